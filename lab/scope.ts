/**
 * What a run creates (namespaces, processes, files) and how each is undone. Undoing runs in reverse order, goes on after a
 * failure, and happens once: at the end, after an error, and after SIGINT, SIGTERM or SIGHUP.
 */
export class Scope {
  readonly #undo: { readonly what: string; readonly run: () => Promise<void> | void }[] = [];
  #closing: Promise<readonly string[]> | null = null;

  /** Registers how `what` is undone. */
  defer(what: string, run: () => Promise<void> | void): void {
    this.#undo.push({ what, run });
  }

  /** Undoes everything; returns what could not be undone, in words. Later calls return the same answer. */
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

/** Runs `body` in a scope that is closed whatever happens, also by a signal. Returns the body's value and the leftovers. */
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
