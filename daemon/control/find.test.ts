import { expect, test } from "vitest";
import type { StateName } from "#kernel/contract/state";
import type { PathView, SessionView } from "#kernel/contract/view";
import { findPath, findSession, living } from "./find.ts";

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

test("a session is found by its id, a unique prefix of it or the name of the other end, a live one before an ended one", () => {
  const names = [
    { handle: 1, id: "s-7QF2-9KXD", state: "TERMINATED", peer: "van-12" },
    { handle: 2, id: "s-7QF2-AAAA", state: "ATTACHED", peer: "van-12" },
    { handle: 3, id: "s-7Q", state: "ATTACHED", peer: "van-13" },
    { handle: 4, id: "s-8B", state: "VOLATILE", peer: "van-14" },
    { handle: 5, id: "s-9C", state: "TERMINATED", peer: "van-14" },
  ] as const;
  const directory = { named: (beginning: string) => names.filter(({ id }) => id.startsWith(beginning)) };
  const found = ["7qf2", "s-7qf2-9", "S-7Q", "8", "s-8b"].map((text) => findSession(directory, text));
  expect(found).toMatchObject([2, 1, 3, 4, 4].map((handle) => ({ ok: true, value: { handle } })));
  expect(findSession(directory, "s-7")).toMatchObject({
    ok: false,
    error: { code: "ambiguous", why: "it could be s-7QF2-AAAA (van-12), s-7Q (van-13)" },
  });
  expect(findSession(directory, "s-")).toMatchObject({ ok: false, error: { code: "ambiguous" } });
  expect(findSession(directory, "7Z")).toMatchObject({ ok: false, error: { code: "not_found" } });
  // By the name of the other end; without a name, the only live session.
  expect(["van-12", "van-14"].map((text) => findSession(directory, text))).toMatchObject(
    [2, 4].map((handle) => ({ ok: true, value: { handle } })),
  );
  const only = (...states: readonly StateName[]) => {
    const all = states.map((state, index) => ({ handle: index, id: `s-${index}`, state, peer: "p" }) as const);
    return findSession({ named: () => all }, "-");
  };
  expect(only("TERMINATED", "DEGRADED")).toMatchObject({ ok: true, value: { handle: 1 } });
  expect(only("TERMINATED")).toMatchObject({ ok: false, error: { code: "not_found" } });
  expect(only("ATTACHED", "BIRTH")).toMatchObject({ ok: false, error: { code: "ambiguous" } });
});

test("a session that ended cannot be moved or ended, and the refusal names the reason of the end", () => {
  const ended = { ...session, state: "TERMINATED", reason: "degraded_ttl_exceeded" } as SessionView;
  expect(living(ended)).toMatchObject({
    ok: false,
    error: { status: 409, code: "terminal", why: "it is TERMINATED: degraded_ttl_exceeded" },
  });
  expect(living({ ...ended, state: "VOLATILE" }).ok).toBe(true);
});
