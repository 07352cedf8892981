import { type Blame, ENGINE_KINDS } from "#kernel/contract/engine.generated";
import { type KindText, OWN_KINDS } from "#kernel/contract/security-kind";
import { code, type Page, page, table } from "./markdown.ts";

/** Explanation of each kind of blame. */
const BLAMES: Readonly<Record<Blame, string>> = {
  network: "the network: delay, loss, repetition or a changed address explains it",
  sender: "anybody who can send a datagram, because the sender is not authenticated",
  peer: "the authenticated peer, but an honest peer can cause it too",
  peer_alone: "the authenticated peer: an honest peer never causes it, in any network",
  inside: "a sender of packets into the tunnel, at either end",
  host: "this machine: its load, its links, its kernel, its configuration",
};

/** Every kind in the record, with its class, blame and meaning. */
export function securityEvents(): Page {
  const blames = Object.entries(BLAMES).map(([name, meaning]) => [code(name), meaning]);
  const kinds = Object.entries<KindText>({ ...ENGINE_KINDS, ...OWN_KINDS });
  const rows = (of: KindText["class"]) =>
    kinds
      .filter(([, kind]) => kind.class === of)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { blame, text }]) => [code(name), code(blame), text]);
  const source = "engine/proto/src/vocabulary/blame.rs and kernel/contract/security-kind.ts";
  return page("security-events.md", source, "Kinds of security events and drops", [
    "Messages, packets and commands that had no effect are counted by kind. The record has the kind and the number in `numbers`, at most once a second for each kind. The next number includes all that were not recorded meanwhile.",
    "A kind with blame `peer_alone` counts against the session's `validation_fail_budget`. A session that exceeds it ends with `security_failure`. No other kind ends a session.",
    "## Security: recorded as `SecurityEvent`",
    table(["kind", "blame", "meaning"], rows("security")),
    "## Ordinary: recorded as `Diagnostic`",
    "They occur in every packet network and only matter if they persist.",
    table(["kind", "blame", "meaning"], rows("ordinary")),
    "## Blame",
    table(["blame", "who"], blames),
  ]);
}
