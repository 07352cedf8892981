import type { z } from "zod";
import { faultAt, type TomlDocument } from "#daemon/config/document";
import type { engineTable } from "#daemon/config/fields";
import type { Fault } from "#daemon/fault";
import { REKEY_AFTER_BLOCKS, REKEY_AFTER_PACKETS } from "#kernel/contract/engine.generated";

/** Bytes that a cipher seals as one block. */
const BLOCK = 16;

/**
 * Packets of at most `mtu` bytes that one key may seal before it is renewed: AES-GCM counts blocks, not packets. The
 * engine refuses more. Source: docs/spec/wire.md, "Keys".
 */
export function packetsMax(mtu: number): number {
  return Math.min(REKEY_AFTER_PACKETS, Math.floor(REKEY_AFTER_BLOCKS / (Math.ceil(mtu / BLOCK) + 1)));
}

/** Limits of keys that are valid alone but not together. */
export function keyLimitFaults(document: TomlDocument, engine: z.output<typeof engineTable>, mtu: number): Fault[] {
  const faults: Fault[] = [];
  const { rekey_after_packets: packets, rekey_after_s: rekeyS, reject_after_s: rejectS } = engine;
  const max = packetsMax(mtu);
  if (packets !== undefined && packets > max) {
    const why = `packets of ${mtu} bytes bring a key to the limit of its cipher after ${max}`;
    const hint = `use at most ${max}, or leave it out: then the number follows from tunnel.mtu`;
    faults.push(
      faultAt(document, ["engine", "rekey_after_packets"], `engine.rekey_after_packets is too large: ${packets}`, why, hint),
    );
  }
  if (rejectS <= rekeyS) {
    const [what, why] = ["engine.reject_after_s is too small", `a key would be refused before its rekey, due after ${rekeyS} s`];
    faults.push(faultAt(document, ["engine", "reject_after_s"], what, why, `use more than ${rekeyS}`));
  }
  return faults;
}
