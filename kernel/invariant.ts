/** A broken promise of our own code. Only `core/guard` catches it. */
class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

/** Throws when `holds` is false: the fault is ours, never the world's or the peer's. */
export function invariant(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new InvariantBroken(promise);
}

/** For the default arm of a switch over a union: does not compile while a member is unhandled. */
export function unreachable(value: never): never {
  throw new InvariantBroken(`unhandled case: ${JSON.stringify(value)}`);
}
