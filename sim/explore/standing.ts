import type { Effect, Input } from "#core/contract";
import type { SessionHandle } from "#kernel/contract/state";

interface Session {
  readonly handle: SessionHandle;
  readonly id: string;
}

/** What became of the session that a dial asked about; `null` = it is live. */
interface Told {
  readonly session: SessionHandle;
  readonly reason: string | null;
}

/**
 * An explicit end, always: a client ends its session as soon as the gateway says that it has ended, for the reason that
 * the gateway gives, and for no other answer. A gateway tells its engine what to answer.
 */
export class StandingLaw {
  /** The running dial, and the session that it asks about. */
  #asked: { readonly dial: number; readonly about: SessionHandle | null } | null;

  /** Gateway: the newest accepted session of each client, with its key, while it is live. */
  readonly #accepted: Map<string, string>;

  constructor(from: StandingLaw | null) {
    this.#asked = from === null ? null : from.#asked;
    this.#accepted = new Map(from === null ? [] : from.#accepted);
  }

  /** What an answer must have caused; `null` = all is well. `sessions` were live before the input. */
  client(input: Input, effects: readonly Effect[], sessions: readonly Session[]): string | null {
    const told = this.#told(input);
    for (const effect of effects) {
      if (effect.type !== "Engine") continue;
      const { command } = effect;
      if (command.type === "Dial") this.#asked = { dial: command.dial, about: command.about };
      if (command.type === "Dial" && command.about === null && sessions.some(({ id }) => endOf(effects, id) === null))
        return "a dial beside a live session does not ask about it";
      if (command.type === "AbortDial") this.#asked = null;
    }
    const session = sessions.find(({ handle }) => handle === told?.session);
    if (told === null || session === undefined) return null;
    const end = endOf(effects, session.id);
    if (told.reason === end) return null;
    return `the gateway said ${told.reason ?? "live"} of a session, and here it ended with ${end ?? "nothing"}`;
  }

  /** What the gateway's engine must have been told; `null` = all is well. `sessions` were live before the input. */
  gateway(effects: readonly Effect[], sessions: readonly Session[]): string | null {
    const orders = effects.flatMap((effect) => (effect.type === "Engine" ? [effect.command] : []));
    for (const order of orders) {
      if (order.type !== "SetStanding" || order.ended !== null) continue;
      for (const [id, key] of this.#accepted) if (key === order.key) this.#accepted.delete(id);
      this.#accepted.set(order.sessionId, order.key);
    }
    for (const { id } of sessions) {
      const key = this.#accepted.get(id);
      if (key === undefined && isAccepted(effects, id)) return "the engine does not know of an accepted session";
      const end = endOf(effects, id);
      if (end === null || key === undefined) continue;
      this.#accepted.delete(id);
      const told = orders.some((order) => order.type === "SetStanding" && order.sessionId === id && order.ended === end);
      const removed = orders.some((order) => order.type === "RemovePeer" && order.key === key);
      if (!told && !removed) return `a session ended with ${end}, and the engine does not know it`;
    }
    return null;
  }

  #told(input: Input): Told | null {
    if (input.type !== "Engine" || !("dial" in input.report) || input.report.dial !== this.#asked?.dial) return null;
    const { about } = this.#asked;
    const { report } = input;
    this.#asked = null;
    if (about === null) return null;
    if (report.type === "HandshakeRefused") return { session: about, reason: report.reason };
    if (report.type !== "HandshakeDone") return null;
    const { standing } = report;
    if (standing.type === "live") return { session: about, reason: null };
    return { session: about, reason: standing.type === "ended" ? standing.reason : "session_lost" };
  }
}

function isAccepted(effects: readonly Effect[], session: string): boolean {
  return effects.some(
    (effect) =>
      effect.type === "Event" &&
      effect.event.type === "SessionStateChange" &&
      effect.event.session === session &&
      effect.event.to === "ATTACHED" &&
      effect.event.from === "BIRTH",
  );
}

function endOf(effects: readonly Effect[], session: string): string | null {
  for (const effect of effects) {
    if (effect.type !== "Event" || effect.event.type !== "SessionTerminated" || effect.event.session !== session) continue;
    return effect.event.reason ?? null;
  }
  return null;
}
