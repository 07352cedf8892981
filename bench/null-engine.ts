import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "#lab/paths";

const BUILD = ["build", "--release", "--locked", "-q", "-p", "jvpn-node", "--features", "null-cipher"];

/** Builds an engine whose cipher does nothing, only for measurements. Returns its path. */
export function nullCipherEngine(): string {
  const engine = join(ROOT, "engine");
  // Its own target folder, so that the real engine is not rebuilt each time.
  const target = join(engine, "target", "null-cipher");
  execFileSync("cargo", [...BUILD, "--target-dir", target], { cwd: engine, stdio: ["ignore", "ignore", "inherit"] });
  const file = join(ROOT, "build", "bench", "null-cipher-engine.node");
  copyFileSync(join(target, "release", "libjvpn_node.so"), file);
  return file;
}
