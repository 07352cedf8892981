import {
  type DoneDocument,
  type PathsDocument,
  SESSIONS_PAGE_MAX,
  type SessionDocument,
  type SessionsDocument,
  type StatusDocument,
  type TimelineDocument,
  type VersionDocument,
} from "#kernel/contract/control";
import type {
  PolicyAppliedDocument,
  PolicyDiffDocument,
  PolicyExplainDocument,
  PolicyHistoryDocument,
  PolicyText,
  PolicyVersionDocument,
} from "#kernel/contract/policy";
import type { StateName } from "#kernel/contract/state";
import type { SessionView } from "#kernel/contract/view";
import { ControlError, timedOut } from "./errors.ts";
import { type EventsOptions, isGap, type StreamItem, streamEvents } from "./events.ts";
import { ask } from "./request.ts";

/** Default path of a daemon's control socket. */
export const DEFAULT_SOCKET = "/run/jumping-vpn/control.sock";

export interface ControlOptions {
  /** Default: `JVPN_SOCKET`, else `/run/jumping-vpn/control.sock`. */
  readonly socket?: string;
  /** Time limit for one answer, ms. Default: 15,000. */
  readonly timeoutMs?: number;
}

/**
 * A typed client of a daemon's control socket. Every refusal is thrown as a `ControlError` with a code; the code is
 * `daemon_not_running` if nothing listens on the socket. A session is named by its id or by a unique prefix of it.
 */
export class Control {
  readonly socket: string;
  readonly #timeoutMs: number;

  constructor(options: ControlOptions = {}) {
    this.socket = options.socket ?? process.env.JVPN_SOCKET ?? DEFAULT_SOCKET;
    this.#timeoutMs = options.timeoutMs ?? 15_000;
  }

  status(): Promise<StatusDocument> {
    return this.#read("/v1/status");
  }

  /** At most `limit` sessions, worst first. They are requested in pages of 1,000; each page is a separate snapshot. */
  sessions(limit = 5_000): Promise<SessionsDocument> {
    return this.#pages("/v1/sessions", limit);
  }

  session(id: string): Promise<SessionDocument> {
    return this.#read(pathOf(id));
  }

  timeline(id: string): Promise<TimelineDocument> {
    return this.#read(`${pathOf(id)}/timeline`);
  }

  /** The paths of at most `limit` live sessions, requested in pages like `sessions`. */
  paths(limit = 5_000): Promise<PathsDocument> {
    return this.#pages("/v1/paths", limit);
  }

  version(): Promise<VersionDocument> {
    return this.#read("/v1/version");
  }

  /** `to` = label or id of a path. A denial by the policy is thrown with its reason as code and with `retryAfterMs`. */
  switch(id: string, to: string): Promise<DoneDocument> {
    return this.#act(`${pathOf(id)}/switch`, { to });
  }

  terminate(id: string, reason: string): Promise<DoneDocument> {
    return this.#act(`${pathOf(id)}/terminate`, { reason });
  }

  /** What would change if this policy came into force. Invalid text is thrown as `policy_invalid` with its faults. */
  policyDiff(offered: PolicyText): Promise<PolicyDiffDocument> {
    return this.#act("/v1/policy/diff", offered);
  }

  /** Brings the policy into force, all or nothing. `write` = also write the text to the daemon's policy file. */
  policyApply(offered: PolicyText, options: { readonly write?: boolean } = {}): Promise<PolicyAppliedDocument> {
    return this.#act("/v1/policy/apply", { ...offered, write: options.write ?? false });
  }

  /** Brings the text of an older version into force as a new version. */
  policyRollback(version: number, options: { readonly write?: boolean } = {}): Promise<PolicyAppliedDocument> {
    return this.#act("/v1/policy/rollback", { version, write: options.write ?? false });
  }

  /** At most `limit` versions, newest first. */
  policyHistory(limit = 20): Promise<PolicyHistoryDocument> {
    return this.#read(`/v1/policy/history?limit=${limit}`);
  }

  policyVersion(version: number): Promise<PolicyVersionDocument> {
    return this.#read(`/v1/policy/history/${version}`);
  }

  /** What is permitted now and until when, for one session or for all. */
  policyExplain(session?: string): Promise<PolicyExplainDocument> {
    return this.#read(`/v1/policy/explain${session === undefined ? "" : `?session=${encodeURIComponent(session)}`}`);
  }

  /** The daemon answers before it stops. */
  shutdown(): Promise<DoneDocument> {
    return this.#act("/v1/shutdown", {});
  }

  events(options: EventsOptions = {}): AsyncGenerator<StreamItem> {
    return streamEvents(this.socket, options);
  }

  /**
   * Resolves with the first session that is in one of these states, at once if there is one already. Throws `timeout`
   * after `timeoutMs`, and `daemon_not_running` if the daemon stops meanwhile.
   */
  async waitFor(states: StateName | readonly StateName[], timeoutMs: number): Promise<SessionView> {
    const wanted: readonly StateName[] = typeof states === "string" ? [states] : states;
    const limit = AbortSignal.timeout(timeoutMs);
    const first = await this.status();
    const found = await this.#firstIn(wanted);
    if (found !== undefined) return found;
    for await (const item of this.events({ since: first.record.lastSeq, signal: limit })) {
      if (!isGap(item) && item.type !== "SessionStateChange" && item.type !== "SessionCreated") continue;
      const session = await this.#firstIn(wanted);
      if (session !== undefined) return session;
    }
    const now = await this.status();
    const seen = statesText(now.view.states) || "no session";
    throw timedOut(
      `waiting for ${wanted.join(" or ")}`,
      timeoutMs,
      `state: ${seen}${lastDial(now)}`,
      "run `jvpn status`, and `jvpn watch` while the client dials",
    );
  }

  async #firstIn(states: readonly StateName[]): Promise<SessionView | undefined> {
    const { sessions } = await this.#read<SessionsDocument>(`/v1/sessions?limit=1&state=${states.join(",")}`);
    return sessions[0];
  }

  async #pages<D extends SessionsDocument | PathsDocument>(path: string, max: number): Promise<D> {
    const sessions: D["sessions"][number][] = [];
    for (;;) {
      const limit = Math.min(max - sessions.length, SESSIONS_PAGE_MAX);
      const page = await this.#read<D>(`${path}?limit=${limit}&offset=${sessions.length}`);
      sessions.push(...page.sessions);
      if (sessions.length >= Math.min(max, page.total) || page.sessions.length === 0) return { ...page, sessions };
    }
  }

  #read<T>(path: string): Promise<T> {
    return ask<T>(this.socket, { method: "GET", path, timeoutMs: this.#timeoutMs });
  }

  #act<T>(path: string, body: unknown): Promise<T> {
    return ask<T>(this.socket, { method: "POST", path, body, timeoutMs: this.#timeoutMs });
  }
}

/** `2 ATTACHED, 1 VOLATILE`; empty if there is no session. */
export function statesText(states: Readonly<Record<string, number>>): string {
  const some = Object.entries(states).filter(([, count]) => count > 0);
  return some.map(([state, count]) => `${count} ${state}`).join(", ");
}

function lastDial(status: StatusDocument): string {
  const dial = status.view.dial;
  return dial === null || dial.lastReason === null
    ? ""
    : `; dialling, ${dial.attempts} attempts, last failure ${dial.lastReason}`;
}

/** `id`: of a session, a unique prefix of it, the name of its other end, or `-` for the only live session. */
function pathOf(id: string): string {
  if (id !== "") return `/v1/sessions/${encodeURIComponent(id)}`;
  const hint = "name a session, or leave the argument out if there is only one";
  throw new ControlError({ code: "usage", message: "no session is named", why: "the name is empty", hint, retryAfterMs: null });
}
