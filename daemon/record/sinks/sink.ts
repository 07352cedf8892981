/** Records with consecutive numbers unless some between them were lost, as the chain made them. */
export interface Batch {
  /** Number of the first and of the last record. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** In all pieces together. */
  readonly bytes: number;
  /** Lines of JSON, each with its newline, in order. No line is split between two pieces. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * A place that keeps the record. An `Outlet` feeds each one: it has the queue, bounds it, counts what is lost and
 * decides when to try again. So a sink has no queue and no retries. It never waits within a call: it begins its work
 * and returns a promise.
 */
export interface Sink {
  /**
   * How status and `EventLoss` name it: one word, of its own, and not `ring`, the name of the queue before all sinks.
   */
  readonly name: string;
  /**
   * Resolves when the whole batch is kept; rejects, with the reason, when nothing of it is. One batch is under way at a
   * time. The memory of the pieces is used again once the promise is settled.
   */
  write(batch: Batch): Promise<void>;
  /** Gives back what the sink holds open. Its caller does not wait for ever. */
  close(): Promise<void>;
}
