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
/** Candidates that are listed if a name fits several, and characters of the id of each. */
const SHOWN_MAX = 4;
const ID_SHOWN = "s-7QF2-9KXD".length;
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

/** Stands for the only live session. */
const ONLY = "-";

/**
 * Finds a session by its id or a unique prefix of it, in upper or lower case, with or without `s-`; else by the name of
 * the other end; `-` is the only live session. A live session is preferred to an ended one.
 */
export function findSession(directory: Directory, text: string): Found<SessionName> {
  const wanted = `${PREFIX}${text.toUpperCase().replace(/^S-/, "")}`;
  const begun = text === ONLY ? directory.named(PREFIX).filter(isLive) : directory.named(wanted);
  const exact = begun.filter(({ id }) => id === wanted);
  const byId = exact.length > 0 ? exact : begun;
  const matching = byId.length > 0 ? byId : directory.named(PREFIX).filter(({ peer }) => peer === text);
  const live = matching.filter(isLive);
  const chosen = live.length > 0 ? live : matching;
  const [session] = chosen;
  if (session !== undefined && chosen.length === 1) return { ok: true, value: session };
  if (session !== undefined) return ambiguous(text, chosen);
  if (text === ONLY) return refuse(404, "not_found", "there is no live session", "no session was named", HINT_SESSIONS);
  const why = "no session has this id, and no other end has this name";
  return refuse(404, "not_found", `there is no session ${text}`, why, HINT_SESSIONS);
}

const isLive = ({ state }: SessionName): boolean => state !== "TERMINATED";

function ambiguous(text: string, chosen: readonly SessionName[]): Found<never> {
  const shown = chosen.slice(0, SHOWN_MAX).map(({ id, peer }) => `${id.slice(0, ID_SHOWN)} (${peer})`);
  const more = chosen.length > shown.length ? `, and ${chosen.length - shown.length} more` : "";
  const what = text === ONLY ? "no session is named, and there are several" : `${text} does not name one session`;
  return refuse(409, "ambiguous", what, `it could be ${shown.join(", ")}${more}`, "name one of them, by more of its id");
}

/** The session, if it lives: one that has ended cannot be moved or ended. */
export function living(session: SessionView): Found<SessionView> {
  if (session.state !== "TERMINATED") return { ok: true, value: session };
  const { id, reason } = session;
  return refuse(409, "terminal", `session ${id} has ended`, `it is TERMINATED: ${reason ?? "terminal"}`, HINT_SESSIONS);
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
