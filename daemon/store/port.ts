import type { StoreOperation, StoreOutcome, StoreToken } from "#core/contract";

export interface StoreRequest {
  readonly token: StoreToken;
  readonly operation: StoreOperation;
}

/** Called with the outcome of one request. */
export type StoreAnswer = (token: StoreToken, outcome: StoreOutcome) => void;

/** The loop's interface to the store of record. Every implementation passes the tests of `contract.test.ts`. */
export interface StorePort {
  /**
   * Carries out the requests of one turn of the loop, in their order and if possible in one write. Calls `answer` at
   * most once for each request: before it returns, or later. A request without an answer may not have been carried out.
   * Never throws.
   */
  perform(requests: readonly StoreRequest[], answer: StoreAnswer): void;
}
