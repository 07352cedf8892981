/** One violation of each rule, with the name under which its checker must report it. Every new rule needs one. */
export interface Plant {
  /** The violated rule in words. */
  readonly rule: string;
  readonly file: string;
  readonly code: string;
  /** The checker that must report the plant, and the name that its report must contain. */
  readonly by: "types" | "types of core" | "lint" | "boundaries" | "exports" | "Rust circles" | "cargo";
  readonly name: string;
}

export const PLANTS: readonly Plant[] = [
  {
    rule: "no timers in pure code",
    file: "domains/session/plant-timer.ts",
    code: "setTimeout(() => {}, 1);\nexport {};\n",
    by: "types",
    name: "TS2304",
  },
  {
    rule: "no process in pure code",
    file: "domains/session/plant-process.ts",
    code: "export const home = process.env;\n",
    by: "types",
    name: "TS2591",
  },
  {
    rule: "no console in pure code",
    file: "domains/session/plant-console.ts",
    code: 'console.log("x");\nexport {};\n',
    by: "types",
    name: "TS2584",
  },
  {
    rule: "no node modules in pure code",
    file: "domains/session/plant-node.ts",
    code: 'import "node:fs";\n',
    by: "types",
    name: "TS2882|TS2307|TS2591",
  },
  {
    rule: "no peer domain, not even its types",
    file: "domains/session/plant-peer.ts",
    code: 'export type { Policy } from "#domains/policy/model";\n',
    by: "types",
    name: "TS6307",
  },
  {
    rule: "no peer domain by a relative path",
    file: "domains/session/plant-relative.ts",
    code: 'export type { Transport } from "../transport/model.ts";\n',
    by: "types",
    name: "TS6307",
  },
  {
    rule: "only its own module creates a proof",
    file: "domains/session/plant-proof.ts",
    code: 'import { Proof } from "#kernel/contract/proof";\nexport const forged = new Proof();\n',
    by: "types",
    name: "TS2673",
  },
  {
    rule: "no clock in pure code",
    file: "domains/session/plant-clock.ts",
    code: "export const at = Date.now();\n",
    by: "lint",
    name: "no-ambient-world",
  },
  {
    rule: "no randomness in pure code",
    file: "core/plant-random.ts",
    code: "export const dice = Math.random();\n",
    by: "lint",
    name: "no-ambient-world",
  },
  {
    rule: "domains never import each other",
    file: "domains/cluster/plant-peer.ts",
    code: 'import type { Policy } from "#domains/policy/model";\nexport type P = Policy;\n',
    by: "boundaries",
    name: "no-peer-domain",
  },
  {
    rule: "the kernel imports nothing above it",
    file: "kernel/plant-up.ts",
    code: 'import type { Input } from "#core/contract";\nexport type I = Input;\n',
    by: "boundaries",
    name: "kernel-is-the-bottom",
  },
  {
    rule: "the core does not import the shell",
    file: "core/plant-shell.ts",
    code: 'import "#daemon/main";\n',
    by: "boundaries",
    name: "core-sees-only-domains-and-kernel",
  },
  {
    rule: "pure code imports no packages",
    file: "domains/policy/plant-package.ts",
    code: 'import { z } from "zod";\nexport const s = z.string();\n',
    by: "boundaries",
    name: "pure-code-has-no-packages",
  },
  {
    rule: "the CLI uses only the SDK",
    file: "cli/plant-core.ts",
    code: 'import type { Input } from "#core/contract";\nexport type I = Input;\n',
    by: "boundaries",
    name: "cli-goes-through-the-sdk",
  },
  {
    rule: "only one file imports the engine",
    file: "daemon/plant-engine.ts",
    code: 'import "../build/engine.node";\n',
    by: "boundaries",
    name: "one-importer-of-the-engine",
  },
  {
    rule: "nothing imports the workshop",
    file: "daemon/plant-lab.ts",
    code: 'import "#lab/main";\n',
    by: "boundaries",
    name: "nothing-imports-the-workshop",
  },
  {
    rule: "no import cycles",
    file: "core/plant-circle.ts",
    code: 'import "./plant-circle-back.ts";\n',
    by: "boundaries",
    name: "no-circular",
  },
  { rule: "no orphans", file: "core/plant-orphan.ts", code: "export const alone = 1;\n", by: "boundaries", name: "no-orphans" },
  {
    rule: "only the registry sets an event's class",
    file: "core/plant-class.ts",
    code: 'import { emit } from "./emit.ts";\nimport type { Turn } from "./turn.ts";\nexport const tell = (turn: Turn) => emit(turn, { type: "DialStarted", class: "info" });\n',
    by: "types of core",
    name: "TS2353",
  },
  {
    rule: "the daemon's lowest folders import none above",
    file: "daemon/system/plant-up.ts",
    code: 'import "#daemon/control/plant-above";\n',
    by: "boundaries",
    name: "daemon-floors",
  },
  {
    rule: "the loop imports none above",
    file: "daemon/loop/plant-up.ts",
    code: 'import type { Above } from "#daemon/control/plant-above";\nexport type A = Above;\n',
    by: "boundaries",
    name: "the-loop-knows-none-above",
  },
  {
    rule: "control gets its target as an argument",
    file: "daemon/control/plant-target.ts",
    code: 'import type { Role } from "#daemon/client/plant-role";\nexport type R = Role;\n',
    by: "boundaries",
    name: "control-is-given-its-target",
  },
  {
    rule: "control imports only types of the loop",
    file: "daemon/control/plant-loop.ts",
    code: 'import "#daemon/loop/plant-up";\n',
    by: "boundaries",
    name: "control-sees-only-types-of-the-loop",
  },
  {
    rule: "the daemon's roles do not import each other",
    file: "daemon/gateway/plant-peer.ts",
    code: 'import "#daemon/client/plant-role";\n',
    by: "boundaries",
    name: "client-and-gateway-are-apart",
  },
  {
    rule: "the core's roles do not import each other",
    file: "core/client/plant-peer.ts",
    code: 'import "../gateway/plant-role.ts";\n',
    by: "boundaries",
    name: "client-and-gateway-are-apart",
  },
  {
    rule: "a view changes nothing",
    file: "core/view/plant-acts.ts",
    code: 'import "../session/plant-room.ts";\n',
    by: "boundaries",
    name: "a-view-acts-on-nothing",
  },
  {
    rule: "the core's world imports none of its folders",
    file: "core/world-plant.ts",
    code: 'import "./session/plant-room.ts";\n',
    by: "boundaries",
    name: "the-world-knows-no-room",
  },
  {
    rule: "an export has a reader that is not a test",
    file: "domains/policy/plant-export.ts",
    code: "export const testedAlone = 1;\n",
    by: "exports",
    name: "exports testedAlone, which only tests import",
  },
  {
    rule: "no circle of three Rust files",
    file: "engine/crowd/src/plant_a.rs",
    code: "pub struct A(crate::plant_b::B);\n",
    by: "Rust circles",
    name: "plant_a.rs → plant_b.rs → plant_c.rs → plant_a.rs",
  },
  {
    rule: "no kind of drops beside the list",
    file: "engine/proto/src/plant_drop.rs",
    code: "pub fn made_up(shared: &mut crate::shared::Shared) { shared.drop(0, crate::vocabulary::blame::DropKind::MadeUp); }\n",
    by: "cargo",
    name: "E0599",
  },
  {
    rule: "no kind of drops as a text",
    file: "engine/proto/src/plant_drop_text.rs",
    code: 'pub fn made_up(shared: &mut crate::shared::Shared) { shared.drop(0, "made_up"); }\n',
    by: "cargo",
    name: "E0277",
  },
  {
    rule: "no kind of drops beside the list, in TypeScript",
    file: "core/plant-drop.ts",
    code: 'import type { Report } from "#kernel/contract/engine.generated";\nexport const made: Extract<Report, { type: "Dropped" }> = { type: "Dropped", kind: "made_up", count: 1 };\n',
    by: "types of core",
    name: "TS2322",
  },
  {
    rule: "no unsafe code in the protocol",
    file: "engine/proto/src/plant_unsafe.rs",
    code: "pub fn read(at: *const u8) -> u8 { unsafe { *at } }\n",
    by: "cargo",
    name: "usage of an `unsafe` block",
  },
];

/** Additional files that plants need. They break no rule themselves. */
export const COMPANIONS: Readonly<Record<string, string>> = {
  "core/plant-circle-back.ts": 'import "./plant-circle.ts";\n',
  "core/gateway/plant-role.ts": "export type Role = 1;\n",
  "core/session/plant-room.ts": "export type Room = 1;\n",
  "daemon/client/plant-role.ts": "export type Role = 1;\n",
  "daemon/control/plant-above.ts": "export type Above = 1;\n",
  "domains/policy/plant-export.test.ts":
    'import { testedAlone } from "./plant-export.ts";\nexport const two = 2 * testedAlone;\n',
  "engine/crowd/src/plant_b.rs": "pub struct B(Option<Box<super::plant_c::C>>);\n",
  "engine/crowd/src/plant_c.rs": "use crate::{plant_a as first};\npub struct C(first::A);\n",
};
