import { beforeEach, describe, expect, test } from "vitest";
import type { StoreOutcome } from "#core/contract";
import type { EnginePort } from "#daemon/ports/engine";
import type { StoreAnswer, StorePort, StoreRequest } from "#daemon/store/port";
import type { Assignment, Command, Report } from "#kernel/contract/engine.generated";
import type { CoreEvent } from "#kernel/contract/event";
import { presetPolicy } from "../../transcripts/presets.ts";
import { gatewayPath } from "../../transcripts/scene.ts";
import { Loop } from "./loop.ts";

const ASSIGNMENT: Assignment = { v4: "10.80.0.14", v4Prefix: 16, v6: null, v6Prefix: 64, dns: [], mtu: 1_380 };
const DONE: StoreOutcome = { is: "done", assignment: ASSIGNMENT };
/** A report that no type allows: the core throws on it. */
const POISON = { type: "Stats", paths: null } as unknown as Report;

let engine: PickyEngine;
let loop: Loop;
let now: number;
let events: CoreEvent[];
let ended: string | null;
let store: ScriptedStore;

beforeEach(() => {
  engine = new PickyEngine();
  now = 1_000;
  events = [];
  ended = null;
  store = new ScriptedStore();
  loop = new Loop("gateway", {
    bootMs: () => now,
    event: (event) => events.push(event),
    tunnel: () => {},
    store,
    report: () => {},
    trace: null,
    contained: () => {},
    fatal: (what) => {
      ended = what;
    },
  });
  loop.attach(engine);
  const clients = ["a", "b", "c"].map((name) => ({ name, key: `jvpk1:${name}`, group: null }));
  loop.feed({ type: "Configured", config: { role: "gateway", node: "fra-2", clients }, resumes: true });
  loop.feed({ type: "PolicyOffered", outcome: presetPolicy("standard") });
  hear(confirmed(1, "a"), confirmed(2, "b"));
});

describe("a command that the engine refuses", () => {
  test("ends only its own session, with state_corruption, and the loop continues", () => {
    engine.cannotRead = (command) => command.type === "AnswerAttach" && command.session === 1;
    hear(attach(1, 7), attach(2, 7));
    expect(recorded("Diagnostic")[0]).toMatchObject({ session: "s-1", numbers: { what: "AnswerAttach", why: "cannot be read" } });
    expect(states()).toEqual({ 1: "TERMINATED", 2: "ATTACHED" });
    expect(engine.taken("CloseSession")).toMatchObject([{ session: 1, reason: "state_corruption" }]);
    expect(engine.taken("AnswerAttach")).toMatchObject([{ session: 2, bindSeq: 7 }]);
    expect(ended).toBeNull();
  });

  test("causes a limited number of records, even if the close is refused too", () => {
    engine.cannotRead = (command) => "session" in command && command.session === 1;
    hear(attach(1, 7));
    expect(recorded("Diagnostic").length).toBeLessThanOrEqual(6);
    expect(states()).toEqual({ 1: "TERMINATED", 2: "ATTACHED" });
    expect(ended).toBeNull();
  });

  test("never ends the loop, however often it happens", () => {
    engine.cannotRead = (command) => command.type === "RefuseSession";
    store.says = () => ({ is: "refused", reason: "address_pool_exhausted" });
    for (let session = 10; session < 60; session++) hear(confirmed(session, "c"));
    expect(ended).toBeNull();
  });
});

describe("the store", () => {
  test("gets one call for a batch of handshakes, and its answers reach the engine in one call, too", () => {
    store.calls = [];
    engine.calls = 0;
    hear(confirmed(3, "c"), attach(1, 7), confirmed(4, "b"));
    expect(store.calls.map((requests) => requests.map(({ operation }) => operation.key))).toEqual([["jvpk1:c", "jvpk1:b"]]);
    expect(engine.calls).toBe(1);
    expect(states()).toMatchObject({ 3: "ATTACHED", 4: "BIRTH" });
  });

  test("may answer later", () => {
    store.says = () => null;
    hear(confirmed(3, "c"));
    expect(states()).toMatchObject({ 3: "BIRTH" });
    store.later();
    expect(states()).toMatchObject({ 3: "ATTACHED" });
  });

  test("ends only the handshakes of the call in which it throws", () => {
    store.says = () => {
      throw new Error("disk full");
    };
    hear(confirmed(3, "c"));
    expect(states()).toEqual({ 1: "ATTACHED", 2: "ATTACHED", 3: "BIRTH" });
    now += 5_001;
    loop.feed({ type: "Tick" });
    expect(engine.taken("RefuseSession")).toMatchObject([{ session: 3, reason: "birth_timeout" }]);
    expect(states()).toMatchObject({ 1: "ATTACHED", 2: "ATTACHED", 3: "TERMINATED" });
    expect(ended).toBeNull();
  });
});

test("the commands that follow from one batch of reports are sent in one call, in order", () => {
  engine.calls = 0;
  hear(attach(1, 7), attach(2, 7), confirmed(3, "c"));
  expect(engine.calls).toBe(1);
  expect(engine.taken("AnswerAttach")).toMatchObject([{ session: 1 }, { session: 2 }]);
  expect(engine.taken("AcceptSession").at(-1)).toMatchObject({ session: 3 });
});

test("a loop that must end within a batch still closes its sessions", () => {
  hear(attach(1, 7), { type: "Fatal", what: "the device is gone" }, attach(2, 7));
  expect(ended).toContain("the device is gone");
  expect(engine.taken("AnswerAttach")).toMatchObject([{ session: 1 }]);
  expect(engine.taken("CloseSession")).toMatchObject([{ session: 1 }, { session: 2 }]);
});

describe("a report with a number that JavaScript cannot hold", () => {
  test.each([2 ** 53, 2 ** 64, 1.5])("%d is refused, and its session ends", (bindSeq) => {
    hear(attach(1, bindSeq));
    expect(engine.taken("AnswerAttach")).toEqual([]);
    expect(recorded("Diagnostic")[0]?.numbers).toMatchObject({ what: "report AttachRequested" });
    expect(states()).toEqual({ 1: "TERMINATED", 2: "ATTACHED" });
  });
});

describe("an exception", () => {
  test("while the core processes an input is recorded, and the sessions continue with their deadlines", () => {
    hear(POISON);
    expect(recorded("Diagnostic")[0]?.numbers).toMatchObject({ what: "Stats" });
    expect(states()).toEqual({ 1: "ATTACHED", 2: "ATTACHED" });
    expect(ended).toBeNull();
  });

  test("of the core on an answer of the store ends only the session that waits for it", () => {
    store.says = () => ({
      is: "done",
      get assignment(): Assignment {
        throw new Error("poisoned");
      },
    });
    hear(confirmed(3, "c"));
    expect(recorded("Diagnostic")[0]?.numbers).toMatchObject({ what: "StoreAnswered" });
    now += 5_001;
    loop.feed({ type: "Tick" });
    expect(states()).toMatchObject({ 1: "ATTACHED", 2: "ATTACHED", 3: "TERMINATED" });
  });

  test("is contained sixteen times in a minute, and the next one ends the daemon with every session closed", () => {
    for (let time = 0; time < 16; time++) hear(POISON);
    expect(ended).toBeNull();
    hear(POISON);
    expect(ended).toContain("17 faults within a minute, the last one on Stats");
    expect(engine.taken("CloseSession")).toMatchObject([{ session: 1 }, { session: 2 }]);
  });

  test("that is older than a minute does not count", () => {
    for (let time = 0; time < 100; time++) {
      now += 4_000;
      hear(POISON);
    }
    expect(ended).toBeNull();
  });

  test("on an operator's request is answered at once", async () => {
    const request = { verb: "terminate", session: 1, detail: { toString: null } as unknown as string } as const;
    Object.defineProperty(request, "verb", {
      get: () => {
        throw new Error("poisoned");
      },
    });
    expect(await loop.operate("ada", request)).toMatchObject({ ok: false, error: { code: "state_corruption" } });
  });
});

test("more operators' requests than the loop keeps are refused as such, and those that wait are answered at the end", async () => {
  const waiting = Array.from({ length: 1_025 }, () => {
    const request = { verb: "terminate", session: 1, detail: "" } as const;
    // A core that never replies.
    Object.defineProperty(loop, "feed", { value: () => {}, configurable: true });
    return loop.operate("ada", request);
  });
  Reflect.deleteProperty(loop, "feed");
  expect(await waiting.at(-1)).toMatchObject({ ok: false, error: { code: "resource_exhausted" } });
  loop.stop();
  expect(await waiting[0]).toMatchObject({ ok: false, error: { code: "daemon_stopped" } });
});

test("reports that cannot be read end the daemon, because core and engine would no longer agree", () => {
  engine.drain = () => {
    throw new Error("no JSON");
  };
  loop.reportsWait();
  expect(ended).toContain("no JSON");
});

function hear(...reports: readonly Report[]): void {
  engine.waiting.push(...reports);
  loop.reportsWait();
}

const recorded = (type: string): CoreEvent[] => events.filter((event) => event.type === type);

const states = (): Record<number, string> => Object.fromEntries(loop.view().sessions.map(({ handle, state }) => [handle, state]));

function confirmed(session: number, name: string): Report {
  return {
    type: "HandshakeConfirmed",
    session,
    sessionId: `s-${session}`,
    clientKey: `jvpk1:${name}`,
    path: 1,
    description: gatewayPath("198.51.100.7:50211"),
    redundant: false,
  };
}

const attach = (session: number, bindSeq: number): Report => ({
  type: "AttachRequested",
  session,
  path: 1,
  description: gatewayPath("198.51.100.7:50211"),
  bindSeq,
  kind: "switch",
  reason: "switch_requested",
});

/** A store that answers as `says` decides: at once, or, for `null`, when `later` is called. */
class ScriptedStore implements StorePort {
  says: (request: StoreRequest) => StoreOutcome | null = () => DONE;
  calls: (readonly StoreRequest[])[] = [];
  #waiting: (() => void)[] = [];

  perform(requests: readonly StoreRequest[], answer: StoreAnswer): void {
    this.calls.push(requests);
    for (const request of requests) {
      const outcome = this.says(request);
      if (outcome === null) this.#waiting.push(() => answer(request.token, DONE));
      else answer(request.token, outcome);
    }
  }

  later(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

class PickyEngine implements EnginePort {
  cannotRead: (command: Command) => boolean = () => false;
  waiting: Report[] = [];
  calls = 0;
  readonly #taken: Command[] = [];

  taken<T extends Command["type"]>(type: T) {
    return this.#taken.filter((command) => command.type === type);
  }

  apply(commands: readonly Command[]): void {
    this.calls++;
    if (commands.some(this.cannotRead)) throw new Error("cannot be read");
    this.#taken.push(...commands);
  }

  drain(_max: number) {
    const reports = this.waiting.map((report) => ({ atUs: 0, report }));
    this.waiting = [];
    return { reports, lost: 0, waiting: 0 };
  }

  stop(): void {}
}
