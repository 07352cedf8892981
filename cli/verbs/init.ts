import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { foldersOf } from "#kernel/files";
import { ControlError } from "#sdk/index";
import { requireFromDaemon } from "../daemon-process.ts";
import { io, perform } from "../io.ts";

interface Options {
  readonly dir: string;
  readonly json?: boolean;
}

interface GatewayOptions extends Options {
  readonly listen: readonly string[];
  readonly pool: readonly string[];
  readonly masquerade?: boolean;
}

interface ClientOptions extends Options {
  readonly gateway: string;
  readonly gatewayKey: string;
  readonly name: string;
  readonly all?: boolean;
}

const DIRECTORY = "/etc/jumping-vpn";
const POLICY = `# Limits and thresholds. Missing keys have the values of the preset: strict, standard, mobile or vehicle.
schema = "jumping-vpn/policy/v1"
name = "standard"
preset = "standard"
`;

/** Writes a working configuration and prints what the other side needs. Never overwrites a file. */
export function initVerb(program: Command): void {
  const init = program.command("init").description("write a first configuration and a key");
  const gateway = init
    .command("gateway")
    .option("--dir <dir>", "folder to write to", DIRECTORY)
    .option("--listen <address...>", "addresses to listen on", ["0.0.0.0:4774", "[::]:4774"])
    .option("--pool <network...>", "networks for the inner addresses", ["10.80.0.0/16", "fd80::/64"])
    .option("--masquerade", "let clients reach other networks through this machine's addresses (needs nftables)")
    .option("--json", "print one JSON document instead of text");
  gateway.action(() => {
    const options = gateway.opts<GatewayOptions>();
    return perform(options.json === true, () => initGateway(options));
  });
  const client = init
    .command("client")
    .requiredOption("--gateway <address>", "name or address of the gateway, with :port if it is not 4774")
    .requiredOption("--gateway-key <key>", "public key that `jvpn init gateway` printed")
    .option("--name <name>", "name of this client at the gateway", hostname().split(".")[0] ?? "client")
    .option("--all", "send all traffic through the tunnel")
    .option("--dir <dir>", "folder to write to", DIRECTORY)
    .option("--json", "print one JSON document instead of text");
  client.action(() => {
    const options = client.opts<ClientOptions>();
    return perform(options.json === true, () => initClient(options));
  });
}

function gatewayText(options: Pick<GatewayOptions, "listen" | "pool" | "masquerade">): string {
  return `[gateway]
listen = ${list(options.listen)}
identity = "gateway.key"
pools = ${list(options.pool)}
masquerade = ${options.masquerade === true}

# One table for each client; \`jvpn init client\` prints it.
# [[client]]
# name = "van-12"
# key = "jvpk1:…"
`;
}

async function initGateway(options: GatewayOptions): Promise<number> {
  const text = gatewayText(options);
  await judge("gateway", text);
  const { file, files, publicKey } = await write("gateway", options.dir, text);
  if (options.json) {
    io.json({ schema: "jumping-vpn/init/v1", role: "gateway", file, files, publicKey });
    return EXIT.ok;
  }
  for (const path of files) io.line(`wrote ${path}`);
  io.line(`public key  ${publicKey}`);
  io.line("");
  io.line("on each client:");
  io.line(`  jvpn init client --gateway PUBLIC-ADDRESS:${portOf(options.listen[0])} --gateway-key ${publicKey}`);
  io.line("then here: add the [[client]] table that it prints, and start the gateway:");
  io.line(`  jvpnd gateway --config ${file}`);
  return EXIT.ok;
}

async function initClient(options: ClientOptions): Promise<number> {
  const text = `[client]
identity = "client.key"

[[gateway]]
address = ${JSON.stringify(options.gateway)}
key = ${JSON.stringify(options.gatewayKey)}

[tunnel]
# routes = ["10.80.0.0/16"]                   # default: the networks of the inner addresses
${options.all ? 'routes = ["0.0.0.0/0", "::/0"]\n' : ""}
# [[path]]                                    # the first match wins; without a [[path]], every usable interface is used
# match = { interface = "wwan*" }
# priority = "backup"
# metered = true
`;
  await judge("client", text);
  // The gateway must accept the client's name. The client's key does not exist yet; the gateway's key takes its place.
  await judge(
    "gateway",
    `${gatewayText({ listen: ["0.0.0.0"], pool: ["10.80.0.0/16"] })}
[[client]]
name = ${JSON.stringify(options.name)}
key = ${JSON.stringify(options.gatewayKey)}
`,
  );
  const { file, files, publicKey } = await write("client", options.dir, text);
  if (options.json) {
    io.json({ schema: "jumping-vpn/init/v1", role: "client", name: options.name, file, files, publicKey });
    return EXIT.ok;
  }
  for (const path of files) io.line(`wrote ${path}`);
  io.line("");
  io.line("on the gateway, add to gateway.toml and reload it (kill -HUP, or systemctl reload jvpnd-gateway):");
  io.line("  [[client]]");
  io.line(`  name = ${JSON.stringify(options.name)}`);
  io.line(`  key = "${publicKey}"`);
  io.line("then here:");
  io.line(`  jvpn up --config ${file}`);
  return EXIT.ok;
}

interface Written {
  readonly file: string;
  /** All files that were written, `file` first. */
  readonly files: readonly string[];
  readonly publicKey: string;
}

/** Checks a text by the daemon's own rules before it is written. */
async function judge(role: "gateway" | "client", text: string): Promise<void> {
  await requireFromDaemon(["config", "check-text", "--", role, text]);
}

async function write(role: "gateway" | "client", directory: string, text: string): Promise<Written> {
  const dir = resolve(directory);
  const file = join(dir, `${role}.toml`);
  const keyFile = join(dir, `${role}.key`);
  for (const existing of [file, keyFile].filter((path) => existsSync(path))) {
    const why = "`jvpn init` never overwrites a file: a lost key is a lost identity";
    throw new ControlError({
      code: "exists",
      message: `${existing} already exists`,
      why,
      hint: "edit it, remove it, or name another folder with --dir",
      retryAfterMs: null,
    });
  }
  for (const folder of foldersOf(dir).filter((folder) => !existsSync(folder))) mkdirSync(folder, { mode: 0o755 });
  const publicKey = await requireFromDaemon(["genkey", keyFile]);
  writeFileSync(file, text, { flag: "wx", mode: 0o640 });
  const policy = join(dir, "policy.toml");
  const isFirst = !existsSync(policy);
  if (isFirst) writeFileSync(policy, POLICY, { flag: "wx", mode: 0o644 });
  chmodSync(keyFile, 0o600);
  return { file, files: [file, keyFile, ...(isFirst ? [policy] : [])], publicKey };
}

/** The port of a valid listening address. */
const portOf = (listen = ""): string => /(?:\]|^[^:]+):(\d+)$/.exec(listen)?.[1] ?? "4774";

const list = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
