import type { Report } from "#kernel/contract/engine.generated";
import { claimMint, type Proof } from "#kernel/contract/proof";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";

const mint = claimMint();

/** The bind seq under which a client's new session is confirmed. */
export const FIRST_BIND_SEQ = 1;

type ReportOf<T extends Report["type"]> = Extract<Report, { type: T }>;

/** Evidence that proves nothing about the attempt it was held against. Never attributable: delay and reordering produce it. */
export interface Stale {
  readonly stale: true;
  /** What a proof would have needed. */
  readonly expected: { readonly path: PathId | null; readonly bindSeq: number };
}

/** What an attach may prove: the client its own attempt, the gateway anything newer than what it has bound. */
export type Attempt =
  | { readonly by: "client"; readonly path: PathId; readonly bindSeq: number }
  | { readonly by: "gateway"; readonly boundSeq: number };

/**
 * Proof that a new session is confirmed. At the gateway its first authenticated packet, from an address that answered a
 * challenge; at the client the acknowledgement of its first activation.
 */
export function mintHandshakeProof(
  report: Pick<ReportOf<"HandshakeConfirmed">, "type" | "path"> | ReportOf<"AttachValidated">,
  now: Millis,
): Proof | Stale {
  if (report.type === "HandshakeConfirmed") return mint("handshake", report.path, FIRST_BIND_SEQ, now);
  if (report.bindSeq === FIRST_BIND_SEQ) return mint("handshake", report.path, FIRST_BIND_SEQ, now);
  return { stale: true, expected: { path: null, bindSeq: FIRST_BIND_SEQ } };
}

/** Proof of *this* attempt: same path and bind seq at the client, a higher bind seq than any bound one at the gateway. */
export function mintAttachProof(
  attempt: Attempt,
  report: ReportOf<"AttachValidated"> | Pick<ReportOf<"AttachRequested">, "type" | "path" | "bindSeq">,
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
