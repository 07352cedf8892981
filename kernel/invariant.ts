/** A bug in our own code. Only `core/fence/guard` catches it. */
class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

/** Throws when `holds` is false: the bug is in our own code, never in the world or the peer. */
export function invariant(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new InvariantBroken(promise);
}

/** For the default arm of a switch over a union: the call does not compile while a member is unhandled. */
export function unreachable(value: never): never {
  throw new InvariantBroken(`unhandled case: ${JSON.stringify(value)}`);
}
