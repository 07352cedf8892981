import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender, Ground } from "#lab/contenders/contender";
import { Netns } from "#lab/ip";
import type { Scope } from "#lab/scope";
import { PREFIX } from "#lab/stage";

const CLIENT_OUTER = "10.1.0.2";
const GATEWAY_OUTER = "10.1.0.1";

/** A folder of this run; it goes with the scope. */
export function makeFolder(scope: Scope, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${name}-`));
  scope.defer(`folder ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Two namespaces joined by one veth pair: what a packet path costs, without a network around it. */
export async function layGround(scope: Scope): Promise<Ground> {
  const folder = makeFolder(scope, "bench");
  const client = await Netns.create(scope, `${PREFIX}client`);
  const gateway = await Netns.create(scope, `${PREFIX}gateway`);
  await client.ip(`link add eth0 type veth peer name up0 netns ${gateway.name}`);
  await client.ip(`addr add ${CLIENT_OUTER}/24 dev eth0`);
  await gateway.ip(`addr add ${GATEWAY_OUTER}/24 dev up0`);
  await client.ip("link set eth0 up");
  await gateway.ip("link set up0 up");
  return { client, gateway, clientOuter: CLIENT_OUTER, gatewayOuter: GATEWAY_OUTER, folder };
}

/** A contender that is set up, and the gateway's address through it. */
export interface Runner {
  readonly name: string;
  readonly address: string;
}

/** Sets up every contender that this machine has; says of the others why they are missing. */
export async function startAll(
  scope: Scope,
  ground: Ground,
  contenders: readonly Contender[],
  progress: (line: string) => void,
): Promise<{ running: readonly Runner[]; missing: Readonly<Record<string, string>> }> {
  const missing: Record<string, string> = {};
  const running: Runner[] = [];
  for (const contender of contenders) {
    const why = contender.missing();
    if (why === null) running.push({ name: contender.name, address: await contender.start(scope, ground) });
    else {
      missing[contender.name] = why;
      progress(`${contender.name} does not take part: ${why}`);
    }
  }
  return { running, missing };
}
