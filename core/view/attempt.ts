/** The result of `work`, or `fallback` if a domain throws: a view never fails. The next turn reports the fault. */
export function attempt<T, F>(work: () => T, fallback: F): T | F {
  try {
    return work();
  } catch {
    return fallback;
  }
}
