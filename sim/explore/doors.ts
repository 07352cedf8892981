import type { Effect, Input, StoreOutcome } from "#core/contract";
import { AUTH_TTL_MS, type ClusterEvent } from "#domains/cluster/model";
import type { StateName } from "#kernel/contract/state";
import type { Watch } from "./watch.ts";

/** What the judge knows of this node's authority: the cluster's events and the clock. */
export class AuthorityLaw {
  #epoch = 1;
  /** Until when a heartbeat carries authority; `null` = for ever, as at a gateway that stands alone. */
  until: number | null = null;
  held = true;

  constructor(from: AuthorityLaw | null) {
    if (from === null) return;
    this.until = from.until;
    this.held = from.held;
    this.#epoch = from.#epoch;
  }

  hear(event: ClusterEvent): void {
    if (event.type === "Joined") {
      this.until = Number.NEGATIVE_INFINITY;
      this.#epoch = event.epoch;
    }
    if (event.type === "HeartbeatCommitted" && this.until !== null && event.epoch === this.#epoch)
      this.until = Math.max(this.until, event.sentAt + AUTH_TTL_MS);
  }

  pass(now: number): void {
    this.held = this.until === null || now < this.until;
  }
}

/** The store's answer to a session that waits. */
interface Stored {
  readonly watch: Watch;
  readonly outcome: StoreOutcome;
}

/** What the core asked of the store, and what it was told. */
export class StoreLaw {
  /** Requests without an answer, and the session that each is for. */
  readonly #requests: Map<number, number>;

  constructor(from: StoreLaw | null) {
    this.#requests = new Map(from === null ? [] : from.#requests);
  }

  /** `newest`: the session that this input created, if any. Returns the answer that a live session waited for. */
  hear(
    input: Input,
    effects: readonly Effect[],
    newest: number,
    watches: readonly Watch[],
    complain: (what: string) => void,
  ): Stored | null {
    for (const effect of effects) {
      if (effect.type !== "Store") continue;
      if (this.#requests.has(effect.token)) complain("a token names two requests to the store");
      this.#requests.set(effect.token, newest);
    }
    if (input.type !== "StoreAnswered") return null;
    const handle = this.#requests.get(input.token);
    this.#requests.delete(input.token);
    const watch = watches.find((one) => one.handle === handle);
    if (watch === undefined) return null;
    if (input.outcome.is === "done") watch.stored = true;
    return { watch, outcome: input.outcome };
  }
}

/** Only a definite yes lets a session go on, and every answer has its consequence at once. `null` = so it was. */
export function storeFault(outcome: StoreOutcome, state: StateName | undefined, effects: readonly Effect[]): string | null {
  if (outcome.is !== "done") return state === "TERMINATED" ? null : `the store said ${outcome.is} and the session lives`;
  return effects.some(isConsequence) ? null : "an answer of the store was ignored";
}

/** What may follow from a yes of the store: a session goes on or ends, or the older one of its key is challenged. */
function isConsequence(effect: Effect): boolean {
  if (effect.type === "Engine") return effect.command.type === "ChallengeSession";
  return effect.type === "Event" && effect.event.type === "SessionStateChange";
}

/** A session that an operator ended at this end does not come back by itself. */
export class EndLaw {
  /** The client's session was ended here by an operator, and no configuration came since. */
  byOperator: boolean;

  constructor(from: EndLaw | null) {
    this.byOperator = from?.byOperator ?? false;
  }

  hear(input: Input): void {
    if (input.type === "Configured" && input.resumes) this.byOperator = false;
  }

  isBroken(effects: readonly Effect[]): boolean {
    let broken = false;
    for (const effect of effects) {
      const event = effect.type === "Event" ? effect.event : null;
      const dials = effect.type === "Engine" && effect.command.type === "Dial";
      if (this.byOperator && (dials || event?.type === "SessionCreated")) broken = true;
      if (event?.type === "SessionTerminated" && event.reason === "operator_terminated" && event.actor !== "peer")
        this.byOperator = true;
    }
    return broken;
  }
}
