import type { SessionId } from "#kernel/contract/state";
import type { PathView, SessionView } from "#sdk/index";
import type { Io } from "../io.ts";
import { bytes, cut, duration, milliseconds, paint, policyText, stateSign, TABLE_COLUMNS_MIN } from "./text.ts";

/** One session in full, as `jvpn status` and `jvpn session` show it. */
export function sessionLines(io: Io, session: SessionView, bootMs: number): string[] {
  const limit = session.lifetimeMs > 0 ? ` (limit ${duration(session.lifetimeMs)})` : "";
  const head = `${stateSign(io, session.state)}   session ${paint(io, "bold", shortId(session.id))}   ${duration(session.ageMs)}${limit}   ${policyText(session.policy)}`;
  const lines = [head];
  if (session.state !== "ATTACHED" && session.reason !== null)
    lines.push(`  reason     ${session.reason}${endedBy(session)}${transportless(session)}`);
  if (session.state === "TERMINATED") return [...lines, endedLine(session)].map((line) => cut(io, line, TABLE_COLUMNS_MIN));
  lines.push(peerLine(session), ...dnsLines(session), heardLine(session), ...sendingLines(session));
  lines.push(...session.paths.map((path, index) => `${index === 0 ? "  path  " : "        "}${pathText(io, path)}`));
  if (session.paths.length === 0) lines.push("  path  none");
  lines.push(...jumpLines(io, session, bootMs));
  return lines.map((line) => cut(io, line, TABLE_COLUMNS_MIN));
}

/** Nothing carries a session that has ended: it has no path and no tunnel. */
function endedLine({ role, peer, jumps }: SessionView): string {
  return `  ${(role === "client" ? "gateway" : "client").padEnd(9)}  ${peer.name}   jumps ${jumps.count}`;
}

/** Empty if one path carries the packets and the policy does not ask for two. */
export function sendingLines({ sending: { mode, wanted }, role }: Pick<SessionView, "sending" | "role">): string[] {
  if (mode === "redundant") return ["  sending    redundant: every packet on two paths while two are warm"];
  if (wanted === "failover") return [];
  const why =
    role === "gateway"
      ? "the client did not offer two, or the policy is newer than the session"
      : "see `jvpn status` at the gateway";
  return [`  sending    failover, on one path: ${why}`];
}

/** A prefix of the id that is long enough to distinguish sessions. Every verb accepts it. */
export function shortId(id: SessionId): string {
  return id.slice(0, "s-7QF2-9KXD".length);
}

/** One line per session, for lists. */
export function sessionRow(io: Io, session: SessionView): string[] {
  const active = session.paths.find((path) => path.id === session.active);
  return [
    stateSign(io, session.state),
    shortId(session.id),
    session.peer.name,
    session.inner?.v4 ?? session.inner?.v6 ?? "—",
    active?.label ?? "—",
    duration(session.ageMs),
    session.heardMsAgo === null ? "—" : `heard ${ago(session.heardMsAgo)}`,
    session.reason ?? "",
  ];
}

export function pathText(io: Io, path: PathView): string {
  const sign = path.role === "active" ? "▶" : path.role === "dead" ? "✕" : "·";
  const spread = path.rttVarMs === null ? "" : ` ±${Math.round(path.rttVarMs)}`;
  const rtt = path.rttMs === null ? "rtt —" : `rtt ${milliseconds(path.rttMs)}${spread}`;
  const loss = path.lossRatio === null ? "loss —" : `loss ${(path.lossRatio * 100).toFixed(1)} %`;
  const words: Record<PathView["role"], string> = { active: "", warm: "warm standby", cold: "cold", dead: "dead" };
  const notes = [
    words[path.role],
    path.reason === null || path.role === "active" ? "" : path.reason,
    path.metered ? "metered" : "",
    path.priority === "primary" ? "" : path.priority,
    path.mtu === null ? "" : `mtu ${path.mtu}`,
  ];
  const text =
    `${sign} ${path.label.padEnd(12)}  ${rtt.padEnd(14)} ${loss.padEnd(11)} ${notes.filter((note) => note !== "").join(", ")}`.trimEnd();
  return path.role === "dead" ? paint(io, "dim", text) : text;
}

function peerLine(session: SessionView): string {
  const remote = session.paths.find((path) => path.id === session.active)?.remote ?? null;
  const who = session.role === "client" ? "gateway" : "client";
  const inner = [session.inner?.v4, session.inner?.v6].filter((address) => address !== null && address !== undefined).join(", ");
  const tunnel = session.inner === null ? "no inner address yet" : `${inner}   mtu ${session.inner.mtu}`;
  const name = remote?.includes(session.peer.name) ? remote : `${session.peer.name}${remote === null ? "" : ` (${remote})`}`;
  return `  ${who.padEnd(9)}  ${name}   tunnel ${tunnel}`;
}

/** Name servers that the gateway told this client. Whoever expects them to be in use must see that they are not. */
function dnsLines({ role, inner }: SessionView): string[] {
  if (role !== "client" || inner === null || inner.dns.length === 0) return [];
  const [first, ...others] = inner.dns;
  return [`  dns        ${first}   told by the gateway, not set up`, ...others.map((address) => `             ${address}`)];
}

/** What shows that the other end is there: when it was last heard, and how old the keys are. */
function heardLine({ heardMsAgo, keysAgeMs, keysExpired, rxBytes, txBytes }: SessionView): string {
  const keys = keysExpired ? "expired, no packet passes until they are renewed" : `${duration(keysAgeMs)} old`;
  return `  heard      ${ago(heardMsAgo)}   keys ${keys}   in ${bytes(rxBytes)}, out ${bytes(txBytes)}`;
}

/** Both ends of a path, and what arrived on it: the second line of a path in a list of its own. */
export function endsText({ local, remote, heardMsAgo, rxBytes, txBytes }: PathView): string {
  const ends = `${local ?? "—"} → ${remote ?? "—"}`;
  return `${ends}   heard ${ago(heardMsAgo)}   in ${bytes(rxBytes)}, out ${bytes(txBytes)}`;
}

const ago = (ms: number | null): string => (ms === null ? "not yet" : `${duration(ms)} ago`);

function jumpLines(io: Io, session: SessionView, bootMs: number): string[] {
  const { count, last } = session.jumps;
  const { switches, nextSwitchInMs } = session.budget;
  const gap =
    last === null ? "" : last.withoutPathMs === 0 ? "make before break" : `${duration(last.withoutPathMs)} without a path`;
  const story =
    last === null
      ? ""
      : ` (last ${duration(Math.max(0, bootMs - last.atBootMs))} ago: ${last.from ?? "none"}→${last.to}, ${last.reason}, ${gap})`;
  const next = nextSwitchInMs > 0 ? `, next by choice in ${duration(nextSwitchInMs)}` : "";
  const jumps = `  jumps      ${count}${story}`;
  const budget = `budget ${switches.used}/${switches.max} per min${next}`;
  const together = `${jumps}   ${budget}`;
  return together.length <= io.columns ? [together] : [jumps, `             ${budget}`];
}

function endedBy({ role, endedBy }: SessionView): string {
  if (endedBy !== "peer") return "";
  return role === "client" ? " (by the gateway)" : " (by the client)";
}

function transportless(session: SessionView): string {
  return session.transportlessMs === null ? "" : ` (without a transport for ${duration(session.transportlessMs)})`;
}
