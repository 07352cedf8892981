/**
 * Holds what a run creates (namespaces, processes, files) and how to remove each. Removal runs in reverse order and
 * continues after a failure. It happens once: at the end, after an error, or after SIGINT, SIGTERM or SIGHUP.
 */
export class Scope {
  readonly #undo: { readonly what: string; readonly run: () => Promise<void> | void }[] = [];
  #closing: Promise<readonly string[]> | null = null;

  /** Registers the function that removes `what`. */
  defer(what: string, run: () => Promise<void> | void): void {
    this.#undo.push({ what, run });
  }

  /** Removes everything. Returns one line for each thing that could not be removed. Later calls return the same. */
  close(): Promise<readonly string[]> {
    this.#closing ??= this.#undoAll();
    return this.#closing;
  }

  async #undoAll(): Promise<readonly string[]> {
    const failures: string[] = [];
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) {
      try {
        await step.run();
      } catch (error) {
        failures.push(`${step.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failures;
  }
}

/** Runs `body` in a scope that is always closed, also after a signal. Returns the body's value and the leftovers. */
export async function withScope<T>(body: (scope: Scope) => Promise<T>): Promise<{ value: T; leftovers: readonly string[] }> {
  const scope = new Scope();
  const onSignal = (signal: NodeJS.Signals): void => {
    process.stderr.write(`\n${signal}: cleaning up …\n`);
    scope.close().then((leftovers) => {
      for (const leftover of leftovers) process.stderr.write(`left behind: ${leftover}\n`);
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  try {
    const value = await body(scope);
    return { value, leftovers: await scope.close() };
  } finally {
    await scope.close();
    for (const signal of signals) process.off(signal, onSignal);
  }
}
