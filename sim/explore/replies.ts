import type { Effect, Input } from "#core/contract";
import { WISH_MS_MAX } from "#core/session/wish";
import type { SessionHandle } from "#kernel/contract/state";
import type { Walk } from "./walk.ts";

/** Reasons of a denial that the session itself decides on. */
const DENIALS: readonly string[] = ["switch_rate_limited", "recovery_rate_limited", "cooldown_active", "attempt_in_progress"];

/** An operator's switch whose outcome is not known yet. */
interface Waiting {
  readonly session: SessionHandle;
  readonly until: number;
}

/** Every request of an operator has exactly one reply: a switch within `WISH_MS_MAX`, and whatever else at once. */
export class ReplyLaw {
  /** Id of the newest request. */
  newest: number;
  readonly #waiting: Map<number, Waiting>;

  constructor(from: ReplyLaw | null) {
    this.newest = from?.newest ?? 0;
    this.#waiting = new Map(from === null ? [] : from.#waiting);
  }

  /** `lives`: whether the session lives after this input. */
  hear(
    input: Input,
    effects: readonly Effect[],
    lives: (session: SessionHandle) => boolean,
    now: number,
    complain: (what: string) => void,
  ): void {
    if (input.type === "Operator") {
      this.newest = input.id;
      const { session, verb } = input.request;
      this.#waiting.set(input.id, { session, until: verb === "switch" ? now + WISH_MS_MAX : now });
    }
    for (const effect of effects) {
      if (effect.type !== "Reply") continue;
      if (!this.#waiting.delete(effect.id)) complain("a reply to nobody");
      const { outcome } = effect;
      if (outcome.ok || !DENIALS.includes(outcome.error.code)) continue;
      if (!effects.some((other) => other.type === "Event" && other.event.type === "TransportSwitchDenied"))
        complain("I4: a denied switch without TransportSwitchDenied");
    }
    for (const { session, until } of this.#waiting.values()) {
      if (!lives(session)) complain("the session ended, and an operator still waits");
      if (until <= now) complain("an operator waits in vain");
    }
  }

  /** Time passed, and every Tick that the core asked for was given. */
  pass(now: number, complain: (what: string) => void): void {
    for (const { until } of this.#waiting.values()) if (until <= now) complain("an operator waits in vain");
  }

  /** See `Judge.name`. */
  name(walk: Walk): void {
    for (const { session, until } of this.#waiting.values()) {
      walk.member("handle", session);
      walk.member("deadline", until);
    }
  }
}
