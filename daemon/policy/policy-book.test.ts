import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Input } from "#core/contract";
import { openStore, type Store } from "#daemon/store/database";
import { PolicyBook } from "./policy-book.ts";
import { PolicyHistory, VERSIONS_MAX } from "./policy-history.ts";

type Offered = Extract<Input, { type: "PolicyOffered" }>;

let folder: string;
let file: string;
let store: Store;
let offered: Offered[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-book-"));
  file = join(folder, "policy.toml");
  store = openStore(folder);
  offered = [];
});
afterEach(() => {
  try {
    store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the file is in force from the start; its version increases only when its values change", () => {
  writeFileSync(file, policy(4));
  expect([started().inForce.version, started().inForce.version]).toEqual([1, 1]);
  writeFileSync(file, `# a comment\n${policy(4)}`);
  expect(started().inForce.version).toBe(1);
  writeFileSync(file, policy(5));
  expect(started().inForce).toMatchObject({ version: 2, origin: "file", file, valid: true, overFile: false });
});

test("an applied policy is in force at once, names its operator, and survives restarts and reloads", () => {
  writeFileSync(file, policy(4));
  const book = started();
  expect(book.apply({ text: policy(6), file: "/tmp/new.toml" }, "ann", false)).toMatchObject({
    ok: true,
    value: {
      version: 2,
      previous: 1,
      changed: true,
      changes: [{ key: "switch.max_per_min", old: "4", new: "6" }],
      written: null,
    },
  });
  expect(offered.at(-1)).toMatchObject({ outcome: { ok: true, policy: { base: { version: 2 } } }, by: "ann" });
  book.read();
  expect([maxPerMin(book), maxPerMin(started())]).toEqual([6, 6]);
  expect(started().inForce).toMatchObject({ version: 2, origin: "apply", overFile: true });
});

test("a file that changes after an apply comes into force again", () => {
  writeFileSync(file, policy(4));
  started().apply({ text: policy(6), file: "x" }, "ann", false);
  writeFileSync(file, policy(5));
  expect(started().inForce).toMatchObject({ version: 3, origin: "file", overFile: false });
  writeFileSync(file, policy(4));
  expect(maxPerMin(started())).toBe(4);
});

test("with `write` the file is replaced as a whole, keeps its mode, and is in force", () => {
  writeFileSync(file, policy(4));
  chmodSync(file, 0o640);
  const book = started();
  expect(book.apply({ text: policy(6), file: "x" }, "ann", true)).toMatchObject({ ok: true, value: { written: file } });
  expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual([policy(6), 0o640]);
  expect(started().inForce).toMatchObject({ version: 2, overFile: false });
});

test("without any file, `write` creates the one that the next start reads", () => {
  const book = started(null);
  expect(book.inForce).toMatchObject({ name: "standard", origin: "built-in", file: null });
  book.apply({ text: policy(6), file: "x" }, "ann", true);
  expect([readFileSync(file, "utf8"), started(null).inForce.file]).toEqual([policy(6), file]);
});

test("an apply whose file cannot be written is not applied and leaves no version", () => {
  writeFileSync(join(folder, "not-a-folder"), "");
  const book = started(join(folder, "not-a-folder", "policy.toml"));
  const before = book.inForce;
  expect(book.apply({ text: policy(6), file: "x" }, "ann", true)).toMatchObject({ ok: false, error: { code: "failed" } });
  expect([book.inForce, book.history(9).total]).toEqual([before, 0]);
});

test("an invalid policy is refused with every fault and changes nothing", () => {
  writeFileSync(file, policy(4));
  const book = started();
  const offers = offered.length;
  const bad = `${policy(9_000)}margin = "5h"\n`;
  expect(book.apply({ text: bad, file: "/tmp/bad.toml" }, "ann", true)).toMatchObject({
    ok: false,
    error: { code: "policy_invalid", faults: [{ file: "/tmp/bad.toml", line: 3 }, { line: 4 }] },
  });
  expect([offered.length, book.inForce.version, book.inForce.valid, readFileSync(file, "utf8")]).toEqual([
    offers,
    1,
    true,
    policy(4),
  ]);
});

test("an invalid file at a reload denies new sessions and keeps the last valid policy; a valid file ends that", () => {
  writeFileSync(file, policy(4));
  const book = started();
  writeFileSync(file, policy(9_000));
  expect(book.read()).toMatchObject([{ file, line: 3 }]);
  expect(offered.at(-1)).toMatchObject({
    outcome: { ok: false, errors: [expect.stringContaining(`${file}:3: switch.max_per_min`)] },
  });
  expect([book.inForce.valid, maxPerMin(book)]).toEqual([false, 4]);
  writeFileSync(file, policy(4));
  expect([book.read(), book.inForce.valid, book.inForce.version]).toEqual([[], true, 1]);
});

test("a reload that changes nothing offers nothing", () => {
  writeFileSync(file, policy(4));
  const book = started();
  book.read();
  writeFileSync(file, `# a comment\n${policy(4)}`);
  book.read();
  expect(offered).toHaveLength(1);
});

test("an invalid file also ends an applied policy: the earlier valid file is then no longer overridden", () => {
  writeFileSync(file, policy(4));
  const book = started();
  book.apply({ text: policy(6), file: "x" }, "ann", false);
  writeFileSync(file, "nonsense");
  book.read();
  expect([book.inForce.overFile, maxPerMin(book)]).toEqual([false, 6]);
  writeFileSync(file, policy(4));
  book.read();
  expect(book.inForce).toMatchObject({ version: 3, origin: "file", valid: true });
});

test("an invalid file at a start: the last valid version of the store is offered, then the refusal", () => {
  writeFileSync(file, policy(4));
  started();
  writeFileSync(file, "nonsense");
  offered = [];
  const book = started();
  expect(offered.map(({ outcome }) => outcome.ok)).toEqual([true, false]);
  expect([book.inForce.valid, book.inForce.version, maxPerMin(book)]).toEqual([false, 1, 4]);
});

test("an invalid file at the very first start: the built-in policy is in force, and new sessions are denied", () => {
  writeFileSync(file, "nonsense");
  const book = started();
  expect(book.inForce).toMatchObject({ name: "standard", version: 0, valid: false });
  expect(book.apply({ text: policy(6), file: "x" }, "ann", false)).toMatchObject({ ok: true, value: { version: 1 } });
  expect(started().inForce).toMatchObject({ version: 1, valid: true, overFile: true });
});

test("a rollback brings older values into force as a new version", () => {
  writeFileSync(file, policy(4));
  const book = started();
  book.apply({ text: policy(6), file: "x" }, "ann", false);
  expect(book.rollback(1, "bob", false)).toMatchObject({ ok: true, value: { version: 3, previous: 2, changed: true } });
  expect(book.history(9)).toMatchObject({
    total: 3,
    versions: [
      { version: 3, origin: "rollback", actor: "bob", inForce: true },
      { version: 2, origin: "apply", actor: "ann", inForce: false },
      { version: 1, origin: "file", actor: "file", inForce: false },
    ],
  });
  expect(book.version(2)).toMatchObject({ ok: true, value: { text: policy(6) } });
  expect(book.rollback(9, "bob", false)).toMatchObject({ ok: false, error: { code: "not_found" } });
});

test("the same values again make no new version", () => {
  writeFileSync(file, policy(4));
  const book = started();
  expect(book.apply({ text: policy(4), file: "x" }, "ann", false)).toMatchObject({
    ok: true,
    value: { version: 1, changed: false, changes: [] },
  });
  expect(book.history(9).total).toBe(1);
});

test("the history deletes the oldest versions beyond its bound, and never reuses a number", () => {
  const history = new PolicyHistory(store);
  const one = { name: "n", digest: "d", origin: "apply", actor: "a", wallMs: 0, file: "f", text: "t" } as const;
  store.exec("PRAGMA synchronous = OFF");
  for (let version = 1; version <= VERSIONS_MAX + 3; version++) expect(history.add(one, null, () => {})).toBe(version);
  expect([history.total, history.find(3), history.find(4)?.version]).toEqual([VERSIONS_MAX, null, 4]);
});

/** A daemon that starts: a new book with the data on disk. */
function started(at: string | null = file): PolicyBook {
  const place = { file: at, beside: join(folder, "policy.toml") };
  const book = new PolicyBook(
    new PolicyHistory(store),
    place,
    (offer) => offered.push(offer),
    () => 1_700_000_000_000,
  );
  book.read();
  return book;
}

function maxPerMin(book: PolicyBook): number | undefined {
  return book.values?.base.switch.maxPerMin;
}

function policy(switches: number): string {
  return `schema = "jumping-vpn/policy/v1"\n[switch]\nmax_per_min = ${switches}\n`;
}
