import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CoreEvent, EVENT_TYPES } from "#kernel/contract/event";
import { canonical } from "./canonical.ts";
import { recordText } from "./envelope.ts";
import { redactedEvent, redactedText } from "./redact.ts";
import { classOf, EVENT_KINDS } from "./registry.ts";

const PUBLIC = `jvpk1:${"Ab3_".repeat(10)}xyz`;
const PRIVATE = `jvps1:${"Zz9-".repeat(10)}xyz`;

describe("the envelope", () => {
  const event: CoreEvent = {
    type: "TransportSwitch",
    bootMs: 8_123_004,
    session: "s-7QF2-9KXD",
    version: 17,
    reason: "transport_dead",
    transport: { old: "eth0/udp4", new: "wlan0/udp4" },
    numbers: { withoutPathMs: 43, peer: "gw" },
    actor: "engine",
  };

  test("adds what only the daemon knows", () => {
    expect(JSON.parse(recordText(event, { seq: 48_121, time: "2026-11-20T13:49:20.004Z", node: "fra-2" }))).toEqual({
      schema: "jumping-vpn/event/v1",
      seq: 48_121,
      time: "2026-11-20T13:49:20.004Z",
      boot_ms: 8_123_004,
      node: "fra-2",
      type: "TransportSwitch",
      session: "s-7QF2-9KXD",
      version: 17,
      reason: "transport_dead",
      transport: { old: "eth0/udp4", new: "wlan0/udp4" },
      numbers: { withoutPathMs: 43, peer: "gw" },
      actor: "engine",
    });
  });

  test("has the canonical text, whatever members an event has and in whatever order", () => {
    const stamp = { seq: 1, time: "2026-11-20T13:49:20.004Z", node: "fra-2" };
    const numbers = { wasActive: true, evidence: "timeout", Zed: null, limitMs: 90.5, é: 'ü"\n' };
    for (const one of [event, { ...event, numbers, from: undefined }, { type: event.type, bootMs: 0, actor: event.actor }])
      expect(recordText(one, stamp)).toBe(canonical(JSON.parse(recordText(one, stamp))));
  });

  test("every type has a class and a description", () => {
    expect(Object.keys(EVENT_KINDS).sort()).toEqual([...EVENT_TYPES].sort());
    expect(classOf("SessionStateChange")).toBe("transition");
    expect(classOf("SecurityEvent")).toBe("security");
    expect(classOf("PathAdded")).toBe("info");
  });
});

describe("redaction", () => {
  test.each([
    ["a private key", PRIVATE, "[redacted]"],
    ["a private key inside text", `key ${PRIVATE}, sorry`, "key [redacted], sorry"],
    ["a truncated private key", "jvps1:abc", "[redacted]"],
    ["32 bytes in hex", "0f".repeat(32), "[redacted]"],
    ["32 bytes in base64", `${"q0+/".repeat(10)}abc=`, "[redacted]"],
    ["a public key", PUBLIC, "jvpk1:Ab3_Ab3_…"],
    ["a reason", "transport_lost_ttl_exceeded", "transport_lost_ttl_exceeded"],
    ["a long file path", "/home/somebody/configurations/jumping-vpn/policy", "/home/somebody/configurations/jumping-vpn/policy"],
    ["a label", "udp6 [2001:db8::7]:4774", "udp6 [2001:db8::7]:4774"],
    ["a session id", "s-7QF2-9KXD-A2B3-77QX-9KXD-A2B3", "s-7QF2-9KXD-A2B3-77QX-9KXD-A2B3"],
  ])("%s", (_what, text, expected) => {
    expect(redactedText(text)).toBe(expected);
  });

  test("all free text of an event is redacted, and an event with nothing to redact stays the same object", () => {
    const plain = { type: "PathAdded", bootMs: 1, session: "s-1", actor: "engine" } as const satisfies CoreEvent;
    expect(redactedEvent(plain)).toBe(plain);
    const leaks: readonly [Partial<CoreEvent>, Partial<CoreEvent>][] = [
      [{ session: PRIVATE }, { session: "[redacted]" }],
      [{ policy: `p ${PRIVATE}` }, { policy: "p [redacted]" }],
      [{ actor: `operator:${PRIVATE}` }, { actor: "operator:[redacted]" }],
      [{ transport: { old: PRIVATE, new: null } }, { transport: { old: "[redacted]", new: null } }],
      [{ transport: { old: null, new: "q0+/".repeat(10) } }, { transport: { old: null, new: "q0+/".repeat(10) } }],
      [{ transport: { old: null, new: `${"q0+/".repeat(10)}abc=` } }, { transport: { old: null, new: "[redacted]" } }],
      [{ numbers: { count: 1, why: PRIVATE, gone: null } }, { numbers: { count: 1, why: "[redacted]", gone: null } }],
      [{ numbers: { peer: PUBLIC, known: true } }, { numbers: { peer: "jvpk1:Ab3_Ab3_…", known: true } }],
    ];
    for (const [leak, safe] of leaks) expect(redactedEvent({ ...plain, ...leak })).toEqual({ ...plain, ...safe });
  });

  test("a policy's digest stays whole, and only in hex", () => {
    const redacted = (digest: string) =>
      redactedEvent({ type: "PolicyApplied", bootMs: 1, actor: "core", numbers: { digest } }).numbers;
    expect(redacted("0f".repeat(32))).toEqual({ digest: "0f".repeat(32) });
    expect(redacted(PRIVATE)).toEqual({ digest: "[redacted]" });
  });

  test("long text is cut", () => {
    expect(redactedText("ab ".repeat(1_000))).toHaveLength(256);
  });

  test("no run of 43 key characters remains, wherever it stands", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 40 }),
        fc.integer({ min: 43, max: 90 }),
        fc.string({ maxLength: 40 }),
        (before, length, after) => {
          expect(redactedText(before + "aB3_".repeat(length).slice(0, length) + after)).not.toMatch(/[A-Za-z0-9_-]{43,}/);
        },
      ),
    );
  });
});

describe("the canonical text", () => {
  test("sorts keys at every depth and leaves out what is absent", () => {
    expect(canonical({ b: [{ d: 1, c: "é" }], a: null, x: undefined })).toBe('{"a":null,"b":[{"c":"é","d":1}]}');
  });

  test("is the same for equal values whatever the order of their members, and parses to the value", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
        const plain = JSON.parse(JSON.stringify(record));
        const reversed = Object.fromEntries(Object.entries(plain).reverse());
        expect(canonical(reversed)).toBe(canonical(plain));
        expect(JSON.parse(canonical(plain))).toEqual(plain);
      }),
    );
  });
});
