/** The newest `capacity` of `items` with `item` at the end. Returns a new array; `capacity` ≥ 1. */
export function pushBounded<T>(items: readonly T[], item: T, capacity: number): readonly T[] {
  const kept = items.length < capacity ? items : items.slice(items.length - capacity + 1);
  return [...kept, item];
}
