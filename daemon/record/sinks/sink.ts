/** Chained records. Their numbers are consecutive, unless records between them were lost. */
export interface Batch {
  /** Numbers of the first and the last record. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Size of all pieces together. */
  readonly bytes: number;
  /** Lines of JSON, each with its newline, in order. No line is split between two pieces. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * A place that keeps records. An `Outlet` feeds each sink: it bounds the queue, counts losses and decides when to
 * retry. So a sink has no queue and no retries. Its calls never block: they start the work and return a promise.
 */
export interface Sink {
  /** Its name in the status and in `EventLoss`: one unique word; not `ring`, the name of the queue before all sinks. */
  readonly name: string;
  /**
   * Resolves when the whole batch is kept; rejects, with the reason, when no record of it is kept. Only one batch is
   * under way at a time. The memory of the pieces is reused when the promise is settled.
   */
  write(batch: Batch): Promise<void>;
  /** Closes everything that the sink has open. The caller waits only for a limited time. */
  close(): Promise<void>;
}
