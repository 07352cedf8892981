import type { Report } from "#kernel/contract/engine.generated";
import { claimMint, type Proof } from "#kernel/contract/proof";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

const mint = claimMint();

/** The bind seq that confirms a client's new session. */
const FIRST_BIND_SEQ = 1;

type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

/** Evidence that belongs to another attempt. Never attributable, because delay and reordering produce it. */
interface Stale {
  readonly stale: true;
  /** What a proof needs. */
  readonly expected: { readonly path: PathId | null; readonly bindSeq: number };
}

/** What an attach may prove: a client's own attempt; at a gateway, anything newer than what is bound. */
type Attempt =
  | { readonly by: "client"; readonly path: PathId; readonly bindSeq: number }
  | { readonly by: "gateway"; readonly boundSeq: number };

/**
 * Proof that a new session is confirmed. At the gateway this is the first authenticated packet, from an address that
 * answered a challenge; at the client the acknowledgement of its first activation.
 */
export function mintHandshakeProof(
  report: ReportOf<"HandshakeConfirmed"> | ReportOf<"AttachValidated">,
  now: Millis,
): Proof | Stale {
  if (report.type === "HandshakeConfirmed") return mint("handshake", report.path, FIRST_BIND_SEQ, now);
  if (report.bindSeq === FIRST_BIND_SEQ) return mint("handshake", report.path, FIRST_BIND_SEQ, now);
  return { stale: true, expected: { path: null, bindSeq: FIRST_BIND_SEQ } };
}

/** Proof of this attempt. A client needs the same path and bind seq; a gateway a higher bind seq than the bound one. */
export function mintAttachProof(
  attempt: Attempt,
  report: ReportOf<"AttachValidated"> | ReportOf<"AttachRequested">,
  now: Millis,
): Proof | Stale {
  if (attempt.by === "client") {
    const { path, bindSeq } = attempt;
    const proves = report.type === "AttachValidated" && report.path === path && report.bindSeq === bindSeq;
    return proves ? mint("attach", path, bindSeq, now) : { stale: true, expected: { path, bindSeq } };
  }
  const proves = report.type === "AttachRequested" && report.bindSeq > attempt.boundSeq;
  if (proves) return mint("attach", report.path, report.bindSeq, now);
  return { stale: true, expected: { path: null, bindSeq: attempt.boundSeq + 1 } };
}
