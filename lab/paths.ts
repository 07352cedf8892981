import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root; this file runs as `build/lab/paths.js`. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** The lab's native tool: link emulator, flows, transfers, captures. */
export const TOOL = join(ROOT, "build", "jvpn-lab");
/** The daemon's program as users start it: it finds Node.js by itself. */
export const DAEMON = join(ROOT, "bin", "jvpnd");
export const CLI = join(ROOT, "build", "cli", "main.js");
export const PRESSURE = join(ROOT, "build", "lab", "pressure", "main.js");
/** Recordings of cellular links. They are not part of the repository; this folder beside it may have them. */
export const TRACES = join(ROOT, "..", "shared", "traces");
