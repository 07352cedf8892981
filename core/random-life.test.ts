import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bounds, Checker } from "../transcripts/checker.ts";
import { freshMemory, inputOf } from "../transcripts/scene.ts";
import { ATTACHED_CLIENT, script, type Timed } from "../transcripts/script.ts";
import type { Effect, Input } from "./contract.ts";
import { step } from "./step.ts";
import { restore, snapshot } from "./view/snapshot.ts";
import { view } from "./view/view.ts";
import { createCore, type World } from "./world.ts";

const STANDARD: Bounds = {
  switchesPerMin: 8,
  recoveriesPerMin: 30,
  reserves: true,
  windowMs: 60_000,
  transportLostTtlMs: 120_000,
  degradedMaxMs: 600_000,
};
const GATEWAY: Bounds = { ...STANDARD, reserves: false, windowMs: 55_000 };
/** Maximum number of wakes in one pause. */
const WAKES_MAX = 2_000;
const RUNS = Number(process.env.JVPN_RUNS ?? 300);

/** `answer` proves the newest attempt; the other words are lines of a transcript. */
type Move = readonly [pauseMs: number, line: string];

const pause = fc.oneof(
  { weight: 6, arbitrary: fc.nat(400) },
  { weight: 3, arbitrary: fc.nat(8_000) },
  { weight: 1, arbitrary: fc.nat(140_000) },
);
const path = fc.integer({ min: 1, max: 4 });
const word = (...words: string[]) => fc.constantFrom(...words);

const CLIENT_LINE = fc.oneof(
  { weight: 6, arbitrary: fc.constant("answer") },
  { weight: 5, arbitrary: path.map((id) => `silent ${id}`) },
  { weight: 6, arbitrary: path.map((id) => `alive ${id} 20`) },
  { weight: 4, arbitrary: fc.tuple(path, word("", "loss=0.3", "loss=0.1", "rtt=900")).map(([id, how]) => `stats ${id} ${how}`) },
  {
    weight: 4,
    arbitrary: word(
      "links eth0 wlan0",
      "links eth0:down wlan0",
      "links eth0 wlan0:down",
      "links",
      "links eth0:10.9.9.9 wlan0",
      "links eth0:noroute",
    ),
  },
  { weight: 3, arbitrary: path.map((id) => `opened ${id}`) },
  { weight: 3, arbitrary: path.map((id) => `validated ${id} 25`) },
  { weight: 2, arbitrary: path.map((id) => `path-unanswered ${id}`) },
  { weight: 2, arbitrary: path.map((id) => `path-error ${id} ENETUNREACH`) },
  { weight: 2, arbitrary: fc.tuple(path, fc.nat(9)).map(([id, seq]) => `attached ${id} ${seq}`) },
  { weight: 2, arbitrary: fc.tuple(path, fc.nat(9)).map(([id, seq]) => `denied ${id} ${seq} switch_rate_limited 900`) },
  { weight: 2, arbitrary: fc.tuple(path, fc.nat(9)).map(([id, seq]) => `unanswered ${id} ${seq}`) },
  { weight: 2, arbitrary: path.map((id) => `asked ${id}`) },
  { weight: 3, arbitrary: path.map((id) => `switch 1 ${id}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(path, fc.nat(4), fc.nat(2)).map(([id, handle, born]) => `handshake ${id} ${handle + 1} ${born + 1}`),
  },
  {
    weight: 1,
    arbitrary: word(
      "hinted",
      "suspected 1",
      "cleared 1",
      "invalid stale_bind_seq no",
      "invalid path_zero attributable",
      "policy broken",
      "policy bench",
      "policy standard",
      "handshake-unanswered",
      "peer-closed because",
      "key-rotated 3",
      "client eth0 wlan0=backup",
    ),
  },
);

const GATEWAY_LINE = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(path, fc.nat(60)).map(([id, seq]) => `requested ${id} ${seq} switch`) },
  { weight: 5, arbitrary: path.map((id) => `silent ${id} timeout`) },
  { weight: 5, arbitrary: path.map((id) => `alive ${id} 20`) },
  { weight: 4, arbitrary: path.map((id) => `validated ${id} 25`) },
  { weight: 3, arbitrary: fc.tuple(path, word("", "loss=0.3")).map(([id, how]) => `stats ${id} ${how}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(3), word("van-12", "van-13", "stranger")).map(([handle, key]) => `confirmed ${handle + 2} ${key}`),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(6), word("", "none", "unknown")).map(([token, how]) => `leased ${token + 1} ${how}`),
  },
  { weight: 2, arbitrary: fc.tuple(path, word("silent", "answered")).map(([handle, how]) => `challenge ${handle} ${how}`) },
  {
    weight: 1,
    arbitrary: word(
      "switch 1 2",
      "invalid path_zero attributable",
      "invalid stale_bind_seq no",
      "policy broken",
      "policy standard",
      "peer-closed because",
      "gateway van-13",
    ),
  },
);

const ATTACHED_GATEWAY = script(`
  0 gateway van-12 van-13
  0 policy standard
  100 confirmed 1 van-12
  100 leased 1
`);

describe("random lives", () => {
  test("a client keeps its invariants, whatever happens to it", () => {
    const lives = fc.array(fc.tuple(pause, CLIENT_LINE), { maxLength: 80 });
    fc.assert(
      fc.property(lives, (moves) => live(createCore("client"), ATTACHED_CLIENT, moves, STANDARD)),
      { numRuns: RUNS },
    );
  });

  test("a gateway keeps its invariants, whatever its clients do", () => {
    const lives = fc.array(fc.tuple(pause, GATEWAY_LINE), { maxLength: 80 });
    fc.assert(
      fc.property(lives, (moves) => live(createCore("gateway"), ATTACHED_GATEWAY, moves, GATEWAY)),
      { numRuns: RUNS },
    );
  });
});

/** Plays one life twice, the second time restored from a snapshot at every tenth move (I9), and checks each move. */
function live(world: World, start: readonly Timed[], moves: readonly Move[], bounds: Bounds): void {
  const checker = new Checker(bounds);
  const twin: { world: World } = { world: restore(snapshot(world)) };
  let now = 0;
  let attempt: string | null = null;
  const handles = new Set<number>();
  const memory = { ...freshMemory(), dial: 1 };
  const seen = (input: Input, at: number): void => {
    const born = bornHandle(input);
    if (born !== null && handles.has(born)) return;
    if (born !== null) handles.add(born);
    const before = unblamed(input) ? JSON.stringify(world.sessions.get(1)?.session) : null;
    const effects = step(world, input, at);
    expect(step(twin.world, input, at)).toEqual(effects);
    if (before !== null && at === now) expect(JSON.stringify(world.sessions.get(1)?.session)).toBe(before);
    checker.watch(effects, at, () => proves(input));
    attempt = newestAttempt(effects) ?? attempt;
    for (const effect of effects)
      if (effect.type === "Engine" && effect.command.type === "Dial") memory.dial = effect.command.dial;
    now = at;
  };
  for (const [at, input] of start) seen(input, at);
  moves.forEach(([pauseMs, line], index) => {
    const until = now + pauseMs;
    for (let wakes = 0; world.wakeAt !== null && world.wakeAt <= until; wakes++) {
      expect(wakes, "endless wakes").toBeLessThan(WAKES_MAX);
      seen({ type: "Tick" }, Math.max(world.wakeAt, now));
    }
    const [verb = "", ...args] = (line === "answer" ? (attempt ?? "tick") : line).trim().split(/\s+/);
    now = until;
    seen(inputOf(verb, args, memory), until);
    if (index % 10 === 9) twin.world = restore(snapshot(world));
  });
  expect(checker.broken).toEqual([]);
  expect(snapshot(twin.world)).toEqual(snapshot(world));
  view(world, now);
}

function newestAttempt(effects: readonly Effect[]): string | null {
  const attempts = effects.flatMap((effect) =>
    effect.type === "Engine" && effect.command.type === "Attach"
      ? [`attached ${effect.command.path} ${effect.command.bindSeq}`]
      : [],
  );
  return attempts.at(-1) ?? null;
}

function proves(input: Input): boolean {
  if (input.type === "StoreAnswered") return input.outcome.is === "done";
  return (
    input.type === "Engine" &&
    ["AttachValidated", "AttachRequested", "ChallengeResult", "PeerClosed", "PathSilent"].includes(input.report.type)
  );
}

/** The engine never reuses a handle. */
function bornHandle(input: Input): number | null {
  if (input.type !== "Engine") return null;
  const { report } = input;
  return report.type === "HandshakeDone" || report.type === "HandshakeConfirmed" ? report.session : null;
}

/** I11: failures for which nobody is to blame. */
function unblamed(input: Input): boolean {
  return input.type === "Engine" && input.report.type === "ValidationFailed" && !input.report.attributable;
}
