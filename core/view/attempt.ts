/** `fallback` where a domain throws: what a person looks at must not fail because of it. The next turn reports the fault. */
export function attempt<T, F>(work: () => T, fallback: F): T | F {
  try {
    return work();
  } catch {
    return fallback;
  }
}
