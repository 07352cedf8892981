import { expect, test } from "vitest";
import type { PathView, SessionView } from "#kernel/contract/view";
import { findLiveSession, findPath } from "./find.ts";

const path = (id: number, label: string) => ({ id, label }) as PathView;
const session = {
  id: "s-7QF2",
  paths: [path(1, "eth0/udp4"), path(2, "eth0/udp6"), path(3, "wlan0/udp4")],
} as unknown as SessionView;
const find = (text: string) => findPath(session, text, (name) => name === "wwan0");

test("a path is found by its label, its number, or a unique beginning of its label", () => {
  expect([find("eth0/udp4"), find("3"), find("wlan0")]).toMatchObject([
    { value: { id: 1 } },
    { value: { id: 3 } },
    { value: { id: 3 } },
  ]);
  expect(find("eth0")).toMatchObject({ ok: false, error: { code: "ambiguous" } });
});

test("a path that the configuration forbids is denied, one that does not exist is unknown", () => {
  expect(find("wwan0/udp4")).toMatchObject({ ok: false, error: { status: 409, code: "policy_denied" } });
  expect(find("wlan9/udp4")).toMatchObject({ ok: false, error: { status: 404, code: "unknown_path" } });
});

test("a session that ended is told with its end where somebody wants to move it", () => {
  const ended = { ...session, state: "TERMINATED", reason: "degraded_ttl_exceeded" } as SessionView;
  expect(findLiveSession([ended], "7qf2")).toMatchObject({
    ok: false,
    error: { status: 409, code: "terminal", why: "it is TERMINATED: degraded_ttl_exceeded" },
  });
  expect(findLiveSession([{ ...ended, state: "VOLATILE" }], "7qf2").ok).toBe(true);
});
