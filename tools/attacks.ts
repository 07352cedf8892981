/** Compares the attack list of `docs/spec/attacks.md` with the tests that carry its ids. */

/** A row of the list: the files whose tests cover the attack, or none and the reason. */
interface Attack {
  readonly id: string;
  readonly files: readonly string[];
  readonly reason: string;
}

/** `| A01 | attack | what is required | files with its tests, or "none: " and the reason |` */
const ROW = /^\| (A\d\d) \|[^|]+\|[^|]+\| (.+) \|$/gm;
const FILE = /`([^`]+)`/g;
const NONE = /^none: \S/;

function attacksIn(list: string): readonly Attack[] {
  return [...list.matchAll(ROW)].map(([, id = "", last = ""]) => ({
    id,
    files: NONE.test(last) ? [] : [...last.matchAll(FILE)].map(([, file = ""]) => file),
    reason: NONE.test(last) ? last : "",
  }));
}

/** The ids that the tests of a file carry: `fn a01_…` in Rust, `test("A01, A02: …"` in TypeScript. */
function idsIn(file: string, text: string): ReadonlySet<string> {
  const names = file.endsWith(".rs")
    ? [...text.matchAll(/\bfn (a\d\d)_/g)].map(([, id = ""]) => id.toUpperCase())
    : [...text.matchAll(/\btest\(\s*"((?:A\d\d(?:, |: ))+)/g)].flatMap(([, ids = ""]) => ids.match(/A\d\d/g) ?? []);
  return new Set(names);
}

/** One line for each disagreement, in both directions. `files`: the text of every file that may hold tests, by path. */
export function attackFaults(list: string, files: ReadonlyMap<string, string>): readonly string[] {
  const attacks = attacksIn(list);
  const known = new Set(attacks.map(({ id }) => id));
  const twice = attacks.filter(({ id }, at) => attacks.findIndex((other) => other.id === id) !== at);
  const cited = [...files].map(([file, text]) => ({ file, ids: idsIn(file, text) }));
  const ofRows = attacks.flatMap(({ id, files: listed, reason }) => {
    const citing = cited.filter(({ ids }) => ids.has(id)).map(({ file }) => file);
    return [
      ...(listed.length === 0 && reason === "" ? [`${id} has neither a test nor a reason for having none`] : []),
      ...listed.filter((file) => !citing.includes(file)).map((file) => `${id}: no test of ${file} carries this id`),
      ...citing.filter((file) => !listed.includes(file)).map((file) => `${id}: ${file} tests it and is not in its row`),
    ];
  });
  const unknown = cited.flatMap(({ file, ids }) =>
    [...ids].filter((id) => !known.has(id)).map((id) => `${id}: ${file} cites it, and the list does not have it`),
  );
  return [...twice.map(({ id }) => `${id} is in the list twice`), ...ofRows, ...unknown];
}
