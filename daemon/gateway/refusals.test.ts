import { expect, test } from "vitest";
import type { CoreEvent } from "#kernel/contract/event";
import { Refusals } from "./refusals.ts";

const event = (fields: object) => ({ numbers: {}, ...fields }) as unknown as CoreEvent;
const AT = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

test("refused handshakes are counted by cause, with the newest sender; anything else is not", () => {
  const refusals = new Refusals();
  const sender = { remote: "198.51.100.7:99", key: "jvpk1:k" };
  refusals.note(event({ type: "SecurityEvent", numbers: { kind: "unknown_peer", count: 2, ...sender } }), AT);
  refusals.note(event({ type: "SecurityEvent", numbers: { kind: "unknown_peer", count: 3, remote: "192.0.2.1:1" } }), AT);
  refusals.note(event({ type: "SecurityEvent", numbers: { kind: "bad_tag", count: 9 } }), AT);
  refusals.note(event({ type: "SessionStateChange", from: "BIRTH", to: "TERMINATED", reason: "session_cloned" }), AT);
  refusals.note(event({ type: "SessionStateChange", from: "ATTACHED", to: "TERMINATED", reason: "peer_closed" }), AT);
  expect(refusals.view).toEqual([
    { cause: "unknown_peer", count: 5, lastAt: "2026-01-02T03:04:05.000Z", remote: "192.0.2.1:1", key: null },
    { cause: "session_cloned", count: 1, lastAt: "2026-01-02T03:04:05.000Z", remote: null, key: null },
  ]);
});

test("the number of causes is bounded", () => {
  const refusals = new Refusals();
  for (let index = 0; index < 100; index += 1)
    refusals.note(event({ type: "SessionStateChange", from: "BIRTH", to: "TERMINATED", reason: `r${index}` }), AT);
  expect(refusals.view).toHaveLength(64);
});
