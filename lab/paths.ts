import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root; this file runs as `build/lab/paths.js`. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** The lab's native tool: link emulator, flows, transfers, captures. */
export const TOOL = join(ROOT, "build", "jvpn-lab");
export const DAEMON = join(ROOT, "build", "daemon", "main.js");
export const CLI = join(ROOT, "build", "cli", "main.js");
export const PRESSURE = join(ROOT, "build", "lab", "pressure", "main.js");
/** Recorded cellular links, where somebody has put them beside the repository. */
export const TRACES = join(ROOT, "..", "shared", "traces");
