/**
 * Entry point of all npm scripts. It installs and builds what a verb needs, then runs the verb.
 * It is plain JavaScript with Node's own modules only, because it runs before anything is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUILD = join(ROOT, "build");

const always = () => true;
const never = () => false;

/** `needs` is built first. `namespaces`: whether the verb creates namespaces and tunnels, which need root. */
const VERBS = {
  // With --product, what a gateway or client needs.
  build: {
    needs: (args) => ["packages", "engine", ...(args.includes("--product") ? [] : ["lab"]), "typescript"],
    namespaces: never,
    run: () => 0,
  },
  check: { needs: ["packages", "engine", "typescript"], namespaces: never, run: (args) => node("build/tools/check.js", args) },
  test: {
    needs: ["packages", "engine", "lab", "typescript"],
    namespaces: never,
    run: (args) => node("build/tools/test.js", args),
  },
  demo: {
    needs: ["packages", "engine", "lab", "typescript"],
    namespaces: always,
    run: (args) => node("build/lab/demo/main.js", args),
  },
  lab: {
    needs: ["packages", "engine", "lab", "typescript"],
    namespaces: (args) => args[0] !== "list",
    run: (args) => node("build/lab/main.js", args),
  },
  bench: {
    needs: ["packages", "engine", "lab", "typescript"],
    namespaces: (args) => !["report", "packets"].includes(args[0]),
    run: (args) => node("build/bench/main.js", args),
  },
  explore: { needs: ["packages", "typescript"], namespaces: never, run: (args) => node("build/sim/explore/main.js", args) },
  mutants: {
    needs: ["packages", "typescript"],
    namespaces: never,
    run: (args) => node("build/tools/mutants/main.js", args),
  },
  requirements: { needs: [], namespaces: always, run: () => 0 },
  generate: { needs: ["packages", "typescript"], namespaces: never, run: (args) => node("build/tools/generate.js", args) },
};

const STEPS = { packages, engine: buildEngine, lab: buildLab, typescript: buildTypeScript };

async function main() {
  const [verb, ...args] = process.argv.slice(2);
  const plan = VERBS[verb];
  if (plan === undefined) {
    fail(
      `unknown command: ${verb ?? "(none)"}`,
      "tools/run.mjs runs one of the project's commands",
      `use one of: ${Object.keys(VERBS).join(", ")}`,
    );
  }
  requireNode();
  if (plan.namespaces(args)) requireNamespaces();
  mkdirSync(BUILD, { recursive: true });
  for (const step of typeof plan.needs === "function" ? plan.needs(args) : plan.needs) STEPS[step]();
  process.exitCode = await plan.run(args);
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const fits = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
  if (!fits) fail(`Node ${process.versions.node} is too old`, "Node 20.19, 22.12 or newer is needed", "install a newer Node.js");
}

/** Reports all missing requirements at once, before a build of several minutes. */
function requireNamespaces() {
  const missing = [];
  if (process.getuid?.() !== 0) {
    missing.push([
      "root rights are missing",
      "network namespaces and TUN devices need them",
      "run the same command with sudo, or as root",
    ]);
  }
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    const hint = "modprobe tun; in a container pass --device /dev/net/tun --cap-add NET_ADMIN";
    missing.push(["/dev/net/tun is missing or not accessible", "the tunnel is a TUN device", hint]);
  }
  if (spawnSync("ip", ["-V"], { stdio: "ignore" }).status !== 0) {
    missing.push(["the command ip is missing", "it creates namespaces, addresses and routes", "apt-get install iproute2"]);
  }
  if (missing.length === 0) return;
  for (const [what, why, hint] of missing) tell(what, why, hint);
  process.exit(1);
}

/** Installs the packages of the lock file, unless the last installation was from the same lock file. */
function packages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
  const stamp = join(ROOT, "node_modules", ".jumping-vpn-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  step("installing packages", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, lock);
}

function buildEngine() {
  requireTool("cargo", "the packet engine is written in Rust", "install Rust 1.89 or newer (package rustup or rustc and cargo)");
  requireTool(
    "cc",
    "the engine's cryptography is compiled with a C compiler",
    "install a C compiler (Debian: apt-get install gcc)",
  );
  step("building the engine", "cargo", ["build", "--release", "--locked", "-p", "jvpn-node"], join(ROOT, "engine"));
  replace(join(ROOT, "engine/target/release/libjvpn_node.so"), join(BUILD, "engine.node"));
}

function buildLab() {
  requireTool("cargo", "the lab's link emulator is written in Rust", "install Rust 1.89 or newer");
  step("building the lab's tools", "cargo", ["build", "--release", "--locked"], join(ROOT, "lab/native"));
  replace(join(ROOT, "lab/native/target/release/jvpn-lab"), join(BUILD, "jvpn-lab"));
}

function buildTypeScript() {
  step("compiling", process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-b"]);
}

/** Replaces a file by renaming: a running process may have the old one mapped, so that nothing may write to it. */
function replace(from, to) {
  if (existsSync(to) && statSync(to).mtimeMs >= statSync(from).mtimeMs) return;
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

function requireTool(name, why, hint) {
  if (spawnSync(name, ["--version"], { stdio: "ignore" }).status !== 0) fail(`${name} is missing`, why, hint);
}

/** Progress goes to stderr, because stdout is for the output of the verb. */
function step(title, command, args, cwd = ROOT) {
  const began = performance.now();
  process.stderr.write(`▸ ${title} …\n`);
  const result = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) {
    fail(
      `${title} failed`,
      result.error?.message ?? `${command} ended with ${result.status ?? result.signal}`,
      "see its output above",
    );
  }
  process.stderr.write(`▸ ${title}: ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
}

/** Passes signals on to the child. This process ends after the child has cleaned up. */
function node(script, args) {
  const child = spawn(process.execPath, ["--enable-source-maps", join(ROOT, script), ...args], { cwd: ROOT, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((done) => {
    child.on("error", () => done(1));
    child.on("exit", (code, signal) => done(code ?? (signal === null ? 1 : 128)));
  });
}

function fail(what, why, hint) {
  tell(what, why, hint);
  process.exit(1);
}

function tell(what, why, hint) {
  process.stderr.write(`${what}\n  why: ${why}\n  do:  ${hint}\n`);
}

await main();
