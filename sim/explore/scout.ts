import { everyEventOnEveryState } from "./direct.ts";
import { type Explored, explore } from "./explore.ts";
import { Rows } from "./rows.ts";
import { DIRECT, SCENES, type Scene } from "./scenes.ts";

/** The result of one scout. It is printed as one line of JSON. */
export interface Scouted extends Explored {
  readonly scene: string;
  readonly hit: readonly string[];
}

/** `scout SCENE STATES`: explores one scene in its own process, with the build that contains this script. */
function main(): void {
  const [name = "", states = "0"] = process.argv.slice(2);
  const rows = new Rows();
  const explored = name === DIRECT ? direct() : explore(sceneOf(name), Number(states));
  const scouted: Scouted = { ...explored, scene: name, hit: rows.hit };
  process.stdout.write(`${JSON.stringify(scouted)}\n`);
}

function direct(): Explored {
  const broken = everyEventOnEveryState();
  const violation = broken.length === 0 ? null : { scene: DIRECT, broken, lines: [] };
  return { states: 0, transitions: 0, closed: true, violation };
}

function sceneOf(name: string): Scene {
  const scene = SCENES.find((candidate) => candidate.name === name);
  if (scene === undefined) throw new Error(`no such scene: ${name}`);
  return scene;
}

main();
