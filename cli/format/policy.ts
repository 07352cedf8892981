import type {
  ClockView,
  MoveView,
  PathReasonView,
  PolicyDifference,
  PolicyExplainDocument,
  PolicyHistoryDocument,
  SessionReasonView,
  Share,
} from "#sdk/index";
import type { Io } from "../io.ts";
import { sendingLines, shortId } from "./session.ts";
import { cut, duration, milliseconds, paint, policyText, stateSign, TABLE_COLUMNS_MIN, table } from "./text.ts";

/** Two lines per value: the old and the new value, then the effect of the change. */
export function differenceLines(io: Io, changes: readonly PolicyDifference[]): string[] {
  return changes.flatMap(({ key, group, old, effect, ...change }) => {
    const whom = group === null ? "" : `   (group ${group})`;
    return [`  ${paint(io, "bold", key)}   ${old} → ${change.new}${whom}`, `      ${effect}`];
  });
}

export function historyLines(io: Io, { total, versions }: PolicyHistoryDocument): string[] {
  const rows = versions.map(({ version, name, digest, origin, actor, time, inForce }) => [
    inForce ? paint(io, "green", "●") : " ",
    `v${version}`,
    name,
    digest.slice(0, 12),
    time.replace("T", " ").slice(0, 19),
    origin === "apply" || origin === "rollback" ? `${origin} by ${actor}` : origin,
  ]);
  const lines = rows.length === 0 ? ["no policy was in force yet"] : table(rows);
  if (total > versions.length) lines.push(`… ${total - versions.length} more (--limit)`);
  return lines;
}

export function reasonLines(io: Io, document: PolicyExplainDocument): string[] {
  const { policy, newSessions, sessions, total } = document;
  const source = policy.valid ? sourceOf(policy) : "the last valid one";
  const permitted = newSessions.allowed ? paint(io, "green", "allowed") : paint(io, "red", `denied: ${newSessions.reason}`);
  const lines = [`policy ${policy.name} v${policy.version}   ${source}`, `  new sessions    ${permitted}`];
  for (const error of policy.errors) lines.push(paint(io, "red", `  ! ${error}`));
  for (const session of sessions) lines.push("", ...sessionReasonLines(io, session));
  if (total > sessions.length && sessions.length > 1) lines.push("", `… ${total - sessions.length} more: name one session`);
  return lines.map((line) => cut(io, line, TABLE_COLUMNS_MIN));
}

function sourceOf({ file, origin, overFile }: PolicyExplainDocument["policy"]): string {
  return overFile ? `${origin}, until ${file ?? "the policy file"} changes` : (file ?? "built in");
}

function sessionReasonLines(io: Io, session: SessionReasonView): string[] {
  const head = `${stateSign(io, session.state)}   session ${paint(io, "bold", shortId(session.session))}   ${policyText(session.policy)}`;
  const { switches, recoveries } = session.budget;
  return [
    head,
    ...sendingLines(session),
    `  switches        ${shareText(switches)}`,
    `  recoveries      ${shareText(recoveries)}`,
    ...session.moves.map((move) => `  ${MOVES[move.kind].padEnd(15)} ${permission(io, move)}`),
    ...session.clocks.map((clock) => `  ${"expires in".padEnd(15)} ${clockText(clock)}`),
    ...session.paths.map((path, index) => `  ${(index === 0 ? "path" : "").padEnd(5)} ${pathReason(path)}`),
  ];
}

const MOVES: Readonly<Record<MoveView["kind"], string>> = {
  elective: "elective move",
  emergency: "emergency move",
  revalidate: "revalidation",
  restore: "restoration",
};

/** The rest of a limit is a reserve for moves after a death. */
function shareText({ used, max, electiveUsed, electiveMax }: Share): string {
  return `${used} of ${max} in the last minute, ${electiveUsed} of at most ${electiveMax} that could wait`;
}

function permission(io: Io, { allowed, reason, retryAfterMs, used, max }: MoveView): string {
  if (allowed) return paint(io, "green", "allowed");
  const use = max > 1 ? ` (${used} of ${max})` : "";
  return `${paint(io, "yellow", `denied: ${reason}`)}${use}, allowed in ${duration(retryAfterMs)}`;
}

function clockText({ reason, leftMs, limitMs }: ClockView): string {
  return `${duration(leftMs)} of ${duration(limitMs)}: ${reason}`;
}

const STAYS: Readonly<Record<string, string>> = {
  unusable: "not a stable candidate",
  active_unusable: "the active path is not stable: thresholds and dead paths decide",
  lower_priority: "lower priority",
  more_loss: "more loss",
  higher_latency: "higher latency",
  metered: "metered",
  unmeasured: "not measured yet",
  not_stable_long_enough: "not stable for long enough",
  penalty: "it died recently",
};

function pathReason({ label, active, comparison, rank }: PathReasonView): string {
  const rtt = rank.rttUs === null ? "rtt —" : `rtt ${milliseconds(rank.rttUs / 1_000)}`;
  const head = `${active ? "▶" : "·"} ${label.padEnd(12)}  ${rtt.padEnd(10)}`;
  if (comparison === null)
    return `${head} ${active ? "active" : rank.usable === 0 ? "stable candidate" : "not a stable candidate"}`;
  if (comparison.move) return `${head} would be chosen: ${comparison.reason}`;
  const { because, waitMs, gainMs, neededMs } = comparison;
  const wait = waitMs === undefined ? "" : `, for ${duration(waitMs)} more`;
  const margin = `gains ${(gainMs ?? 0).toFixed(1)} ms, the policy needs ${(neededMs ?? 0).toFixed(1)} ms`;
  return `${head} not chosen: ${because === "margin" ? margin : `${STAYS[because] ?? because}${wait}`}`;
}
