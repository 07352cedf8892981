import type { OperatorError } from "#core/contract";
import type { TextFault } from "#kernel/contract/control";
import type { SessionReasonView } from "#kernel/contract/policy";
import type { SessionHandle } from "#kernel/contract/state";
import type { PageQuery, PathView, SessionName, SessionPage, SessionView } from "#kernel/contract/view";

export type Found<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ControlRefusal };

/** A refusal by the control API, before a request reaches the core. */
export interface ControlRefusal {
  readonly status: 400 | 404 | 409;
  readonly code: OperatorError["code"] | "ambiguous" | "bad_request" | "unknown_command" | "failed";
  readonly message: string;
  readonly why: string;
  readonly hint: string;
  readonly faults?: readonly TextFault[];
}

/** Prefix of every session id. */
const PREFIX = "s-";
const HINT_SESSIONS = "list them with `jvpn sessions`";

/** Finds sessions by name. */
interface Directory {
  /** The sessions whose id begins with `beginning`. */
  named(beginning: string): readonly SessionName[];
}

/** All sessions, as they are at `bootMs()`. */
export interface Sessions extends Directory {
  /** The time to which the answers belong, ms of the boot-time clock. */
  bootMs(): number;
  page(query: PageQuery): SessionPage;
  /** A live or ended session; `null` = there is none. */
  session(handle: SessionHandle): SessionView | null;
  /** What the policy permits a live session now; `null` = the session is not live. */
  explain(session: SessionHandle): SessionReasonView | null;
}

/**
 * Finds a session by its id or a unique prefix of it, in upper or lower case, with or without `s-`. A live session is
 * preferred to an ended one.
 */
export function findSession(directory: Directory, text: string): Found<SessionName> {
  const wanted = `${PREFIX}${text.toUpperCase().replace(/^S-/, "")}`;
  const begun = wanted === PREFIX ? [] : directory.named(wanted);
  const exact = begun.filter(({ id }) => id === wanted);
  const matching = exact.length > 0 ? exact : begun;
  const live = matching.filter((session) => session.state !== "TERMINATED");
  const chosen = live.length > 0 ? live : matching;
  if (chosen.length > 1)
    return refuse(
      409,
      "ambiguous",
      `the session ${text} is not unique`,
      `${chosen.length} sessions have an id that begins like this`,
      "give more characters of the id",
    );
  const session = chosen[0];
  if (session !== undefined) return { ok: true, value: session };
  return refuse(404, "not_found", `there is no session ${text}`, "no session of this daemon has this id", HINT_SESSIONS);
}

/** The session, if it can be moved to another path: an ended one cannot. */
export function movable(session: SessionView): Found<SessionView> {
  if (session.state !== "TERMINATED") return { ok: true, value: session };
  const { id, reason } = session;
  return refuse(409, "terminal", `session ${id} cannot be moved`, `it is TERMINATED: ${reason ?? "terminal"}`, HINT_SESSIONS);
}

/**
 * Finds a path of a session by its label or number, or by a unique prefix of its label. `neverUsed` = interfaces that
 * the configuration forbids: a request for one of them is denied, not unknown.
 */
export function findPath(session: SessionView, text: string, neverUsed: (interfaceName: string) => boolean): Found<PathView> {
  const exact = session.paths.filter((path) => path.label === text || String(path.id) === text);
  const matching = exact.length > 0 ? exact : session.paths.filter((path) => text !== "" && path.label.startsWith(text));
  const known = session.paths.map((path) => `${path.label} (${path.id})`).join(", ") || "none";
  if (matching.length > 1)
    return refuse(409, "ambiguous", `the path ${text} is not unique`, `paths: ${known}`, "use its number instead");
  const path = matching[0];
  if (path !== undefined) return { ok: true, value: path };
  const [interfaceName = "", transport] = text.split("/");
  if (transport !== undefined && neverUsed(interfaceName))
    return refuse(
      409,
      "policy_denied",
      `${text} must not be used`,
      `the configuration gives ${interfaceName} the priority "never"`,
      "change its priority in the configuration",
    );
  return refuse(
    404,
    "unknown_path",
    `session ${session.id} has no path ${text}`,
    `paths: ${known}`,
    "use the label or number of one of them",
  );
}

function refuse(
  status: ControlRefusal["status"],
  code: ControlRefusal["code"],
  message: string,
  why: string,
  hint: string,
): { ok: false; error: ControlRefusal } {
  return { ok: false, error: { status, code, message, why, hint } };
}
