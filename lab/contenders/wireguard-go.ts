/** wireguard-go, configured over its control socket, so that no other program is needed. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import type { Netns } from "../ip.ts";
import type { Scope } from "../scope.ts";
import { until } from "../stage.ts";
import { type Contender, type Ground, MTU } from "./contender.ts";
import { isInstalled, startProgram } from "./process.ts";

const INSTALLED = "wireguard-go";
/** Name of a build other than the installed one. `WIREGUARD_GO` has its path. */
export const OTHER_BUILD = "wireguard-go (WIREGUARD_GO)";
const PROGRAM = process.env.WIREGUARD_GO ?? INSTALLED;
const PORT = 51_820;

interface End {
  readonly netns: Netns;
  readonly device: string;
  readonly inner: string;
  /** Outer address; `null` = the peer learns it. */
  readonly outer: string | null;
  readonly key: { readonly secret: string; readonly open: string };
}

/** File name for a benchmark with wireguard-go. Each of the two builds has its own file. */
export const recordFile = (name: string): string => (PROGRAM === INSTALLED ? name : `${name}-other-wireguard-go`);

export const WIREGUARD_GO: Contender = {
  name: PROGRAM === INSTALLED ? INSTALLED : OTHER_BUILD,
  missing: () =>
    isInstalled(PROGRAM) ? null : "wireguard-go is not installed (Debian: apt-get install wireguard-go, or WIREGUARD_GO=…)",
  async start(scope: Scope, ground: Ground) {
    const client: End = {
      netns: ground.client,
      device: `wg${process.pid}c`,
      inner: "10.81.0.2",
      outer: ground.clientOuter,
      key: keyPair(),
    };
    const gateway: End = {
      netns: ground.gateway,
      device: `wg${process.pid}g`,
      inner: "10.81.0.1",
      outer: ground.gatewayOuter,
      key: keyPair(),
    };
    for (const [own, peer] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      startProgram(scope, own.netns, PROGRAM, ["-f", own.device]);
      const socket = `/var/run/wireguard/${own.device}.sock`;
      await until(`${socket} exists`, 5_000, async () => (existsSync(socket) ? true : undefined));
      await configure(socket, own, peer);
      await own.netns.ip(`addr add ${own.inner}/24 dev ${own.device}`);
      await own.netns.ip(`link set ${own.device} mtu ${MTU} up`);
    }
    return gateway.inner;
  },
};

async function configure(path: string, own: End, peer: End): Promise<void> {
  const socket = connect(path);
  await once(socket, "connect");
  const lines = [
    "set=1",
    `private_key=${own.key.secret}`,
    `listen_port=${PORT}`,
    `public_key=${peer.key.open}`,
    ...(peer.outer === null ? [] : [`endpoint=${peer.outer}:${PORT}`]),
    `allowed_ip=${peer.inner}/32`,
  ];
  socket.write(`${lines.join("\n")}\n\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  if (!answer.toString().includes("errno=0"))
    throw new Error(`wireguard-go refused its configuration: ${answer.toString().trim()}`);
}

function keyPair(): { secret: string; open: string } {
  const pair = generateKeyPairSync("x25519");
  const hex = (key: KeyObject, part: "d" | "x"): string =>
    Buffer.from(key.export({ format: "jwk" })[part] ?? "", "base64url").toString("hex");
  return { secret: hex(pair.privateKey, "d"), open: hex(pair.publicKey, "x") };
}
