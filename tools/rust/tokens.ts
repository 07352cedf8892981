/**
 * Splits a Rust source into identifiers, `::` and single marks, without comments and code that is only compiled for
 * tests. A string becomes `"…"`; a character or a lifetime becomes `'`; a number counts as an identifier.
 */
export function tokensOf(source: string): readonly string[] {
  return withoutTests(scan(source));
}

const BLANK = /\s+|\/\/[^\n]*/y;
const RAW_TEXT = /(?:b|c)?r(#*)"[\s\S]*?"\1(?!#)/y;
const TEXT = /(?:b|c)?"(?:[^"\\]|\\[\s\S])*"/y;
const CHARACTER = /b?'(?:[^'\\]|\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F_]+\}|[^xu]))'/uy;
const LIFETIME = /'\w+/y;
const NAME = /(?:r#)?(\w+)/y;

function scan(source: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  while (at < source.length) {
    if (take(BLANK) !== null) continue;
    if (source.startsWith("/*", at)) {
      at = endOfComment(source, at);
      continue;
    }
    const text = take(RAW_TEXT) ?? take(TEXT);
    if (text !== null) {
      tokens.push(text[0].slice(text[0].indexOf('"')).replace(/#+$/, ""));
    } else if (take(CHARACTER) !== null || take(LIFETIME) !== null) {
      tokens.push("'");
    } else {
      const name = take(NAME);
      const token = name?.[1] ?? (source.startsWith("::", at) ? "::" : source.charAt(at));
      if (name === null) at += token.length;
      tokens.push(token);
    }
  }
  return tokens;
}

/** Index after a block comment. Block comments can be nested. */
function endOfComment(source: string, from: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  let depth = 0;
  for (let mark = marks.exec(source); mark !== null; mark = marks.exec(source)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return source.length;
}

const OPENING = new Set(["(", "[", "{"]);
const CLOSING = new Set([")", "]", "}"]);

/** Index after the bracket that closes the one at `open`; the length of `tokens` if there is none. */
export function behindBracket(tokens: readonly string[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (OPENING.has(tokens[at] ?? "")) depth++;
    if (CLOSING.has(tokens[at] ?? "") && --depth === 0) return at + 1;
  }
  return tokens.length;
}

function withoutTests(tokens: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < tokens.length; ) {
    if (isForTests(tokens, at, ["#", "!", "["])) return [];
    if (isForTests(tokens, at, ["#", "["])) {
      at = behindItem(tokens, behindBracket(tokens, at + 1));
    } else {
      kept.push(tokens[at] ?? "");
      at++;
    }
  }
  return kept;
}

function isForTests(tokens: readonly string[], at: number, opening: readonly string[]): boolean {
  return [
    ["test", ")"],
    ["all", "(", "test"],
  ].some((condition) => [...opening, "cfg", "(", ...condition].every((token, offset) => tokens[at + offset] === token));
}

const ITEMS = new Set("fn mod struct enum union impl trait type use const static unsafe async extern let macro_rules".split(" "));

/** Index after the item at `from` and its other attributes. A field or a match arm ends at its comma. */
function behindItem(tokens: readonly string[], from: number): number {
  let at = from;
  while (tokens[at] === "#") at = behindBracket(tokens, at + 1);
  if (tokens[at] === "pub") at = tokens[at + 1] === "(" ? behindBracket(tokens, at + 1) : at + 1;
  const keyword = tokens[at] ?? "";
  const member = !ITEMS.has(keyword);
  while (at < tokens.length) {
    const token = tokens[at] ?? "";
    if (token === ";" || (member && token === ",")) return at + 1;
    if (CLOSING.has(token)) return at;
    if (!OPENING.has(token)) {
      at++;
      continue;
    }
    at = behindBracket(tokens, at);
    if (token === "{" && keyword !== "use") return tokens[at] === "," ? at + 1 : at;
  }
  return at;
}
