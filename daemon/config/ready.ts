/** What a configuration needs from this machine: the start refuses what `config check` finds here. */
import { existsSync } from "node:fs";
import type { Settings } from "#daemon/config/load";
import { loadPolicy, policyFile } from "#daemon/config/policy";
import { type Fault, StartFailure } from "#daemon/fault";
import { formatPrefix } from "#daemon/net/address";
import { localNetworks, overlapsOf } from "#daemon/net/local-networks";
import { publicKey } from "#daemon/ports/engine";

/** Why a daemon cannot start with these settings on this machine. */
export function machineFaults(settings: Settings): readonly Fault[] {
  const key = ownKey(settings.identity);
  if (!key.ok) return [...key.faults, ...deviceFaults(settings), ...poolFaults(settings)];
  return [...ownKeyFaults(settings, key.publicKey), ...deviceFaults(settings), ...poolFaults(settings)];
}

type OwnKey = { readonly ok: true; readonly publicKey: string } | { readonly ok: false; readonly faults: readonly Fault[] };

/** Only the engine reads a private key. */
function ownKey(identity: string): OwnKey {
  try {
    return { ok: true, publicKey: publicKey(identity) };
  } catch (cause) {
    if (cause instanceof StartFailure) return { ok: false, faults: cause.faults };
    throw cause;
  }
}

/** Why the key file would be refused at the next start. */
export function keyFaults(settings: Settings): readonly Fault[] {
  const key = ownKey(settings.identity);
  return key.ok ? [] : key.faults;
}

function ownKeyFaults(settings: Settings, own: string): readonly Fault[] {
  const peers = settings.role === "gateway" ? settings.clients : settings.gateways;
  const other = settings.role === "gateway" ? "client" : "gateway";
  const why = "each node needs a key of its own: whoever has the same one is the same node";
  const hint = `put in the public key that \`jvpn pubkey\` prints on the ${other}`;
  return peers
    .filter(({ key }) => key === own)
    .map(({ name }) => ({ what: `the ${other} ${JSON.stringify(name)} has this ${settings.role}'s own key`, why, hint }));
}

function deviceFaults({ interface: name }: Settings): readonly Fault[] {
  const device = `/sys/class/net/${name}`;
  if (!existsSync(device) || existsSync(`${device}/tun_flags`)) return [];
  const why = "an interface of this name exists, and it is no tunnel";
  return [{ what: `[tunnel] interface cannot be ${name}`, why, hint: "choose a name that no interface has, such as jvpn0" }];
}

/** A gateway's pool that is also a network of this machine would take that network's packets, or lose its own. */
function poolFaults(settings: Settings): readonly Fault[] {
  if (settings.role === "client") return [];
  const pools = [settings.pools.v4, settings.pools.v6].filter((pool) => pool !== null);
  return overlapsOf(pools, localNetworks(settings.interface)).map(({ wanted, local }) => ({
    what: `the pool ${formatPrefix(wanted)} cannot be used`,
    why: `it overlaps ${formatPrefix(local.network)}, the network of ${local.interface}`,
    hint: "choose a network that this machine does not have",
  }));
}

/** What does not prevent a start, and is most likely a mistake: of the policy, which the start would also read. */
export function policyWarnings(
  file: string,
  settings: Settings,
): { readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] } {
  const place = policyFile(file, settings, undefined);
  const policy = loadPolicy(place);
  if (!policy.ok) return { faults: policy.faults, warnings: [] };
  if (settings.role === "client") return { faults: [], warnings: [] };
  const groups = new Set(settings.clients.map(({ group }) => group));
  const warnings = policy.value.values.overrides
    .filter(({ group }) => !groups.has(group))
    .map(({ group }) => ({
      file: place ?? "(built in)",
      line: null,
      what: `the override for the group ${JSON.stringify(group)} has no effect`,
      why: "no client is in that group",
      hint: "correct the name, or give a client this group",
    }));
  return { faults: [], warnings };
}
