import { expect, test } from "vitest";
import type { PathView, SessionView } from "#kernel/contract/view";
import { findPath, findSession, movable } from "./find.ts";

const path = (id: number, label: string) => ({ id, label }) as PathView;
const session = {
  id: "s-7QF2",
  paths: [path(1, "eth0/udp4"), path(2, "eth0/udp6"), path(3, "wlan0/udp4")],
} as unknown as SessionView;
const find = (text: string) => findPath(session, text, (name) => name === "wwan0");

test("a path is found by its label, its number, or a unique prefix of its label", () => {
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

test("a session is found by its id or a unique prefix of it, a live one before an ended one", () => {
  const names = [
    { handle: 1, id: "s-7QF2-9KXD", state: "TERMINATED" },
    { handle: 2, id: "s-7QF2-AAAA", state: "ATTACHED" },
    { handle: 3, id: "s-7Q", state: "ATTACHED" },
    { handle: 4, id: "s-8B", state: "VOLATILE" },
  ] as const;
  const directory = { named: (beginning: string) => names.filter(({ id }) => id.startsWith(beginning)) };
  const found = ["7qf2", "s-7qf2-9", "S-7Q", "8", "s-8b"].map((text) => findSession(directory, text));
  expect(found).toMatchObject([2, 1, 3, 4, 4].map((handle) => ({ ok: true, value: { handle } })));
  expect(findSession(directory, "s-7")).toMatchObject({
    ok: false,
    error: { code: "ambiguous", why: "2 sessions have an id that begins like this" },
  });
  expect(["", "s-", "9"].map((text) => findSession(directory, text))).toMatchObject(
    Array.from({ length: 3 }, () => ({ ok: false, error: { code: "not_found" } })),
  );
});

test("a session that ended cannot be moved, and the refusal names the reason of the end", () => {
  const ended = { ...session, state: "TERMINATED", reason: "degraded_ttl_exceeded" } as SessionView;
  expect(movable(ended)).toMatchObject({
    ok: false,
    error: { status: 409, code: "terminal", why: "it is TERMINATED: degraded_ttl_exceeded" },
  });
  expect(movable({ ...ended, state: "VOLATILE" }).ok).toBe(true);
});
