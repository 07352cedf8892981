import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";

/** What this machine lacks for namespaces and tunnels, in three lines each (what, why, what to do); empty = nothing. */
export function missingRequirements(): readonly string[] {
  const missing: string[] = [];
  if (process.getuid?.() !== 0) {
    missing.push(
      "root is missing\n  why: network namespaces and TUN devices need it\n  do:  run the same command with sudo, or as root",
    );
  }
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    missing.push(
      "/dev/net/tun is missing or closed\n  why: the tunnel is a TUN device\n  do:  modprobe tun; in a container pass --device /dev/net/tun --cap-add NET_ADMIN",
    );
  }
  if (spawnSync("ip", ["-V"], { stdio: "ignore" }).status !== 0) {
    missing.push("the command ip is missing\n  why: it makes namespaces, addresses and routes\n  do:  apt-get install iproute2");
  }
  return missing;
}

/** Programs that are not on the path, each in one line that says how to get it. */
export function missingPrograms(wanted: readonly { readonly command: string; readonly package: string }[]): readonly string[] {
  const folders = (process.env.PATH ?? "").split(":");
  return wanted
    .filter(({ command }) => !folders.some((folder) => existsSync(join(folder, command))))
    .map((program) => `missing: ${program.command} (apt-get install ${program.package})`);
}

/** Prints what is missing and ends the process, or returns. */
export function requireAll(): void {
  const missing = missingRequirements();
  if (missing.length === 0) return;
  process.stderr.write(`${missing.join("\n")}\n`);
  process.exit(1);
}
