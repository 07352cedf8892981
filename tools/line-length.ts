/** Longest line of a comment or of a document, in characters. Code is the formatters' business. */
export const COLUMNS_MAX = 120;

/** A long line, as `file:line`. */
interface LongLine {
  readonly line: number;
  readonly length: number;
}

/**
 * Comments of TypeScript and Rust, and prose of Markdown, that are too long. Lines that cannot be broken are exempt:
 * tables, code blocks of a document, and lines without a space (an address).
 */
export function longLines(file: string, text: string): readonly LongLine[] {
  const isProse = file.endsWith(".md");
  let inBlock = false;
  return text.split("\n").flatMap((whole, index) => {
    const content = whole.trim();
    if (isProse && content.startsWith("```")) inBlock = !inBlock;
    const isTable = /^(?:\/\/[/!]\s*)?\|/.test(content);
    const counts = !isTable && (isProse ? !inBlock : /^(?:\/\/|\/\*|\*)/.test(content));
    const length = [...whole].length;
    const unbreakable = !content.replace(/^(?:\/\/[/!]?|\/?\*+|[-*>#]+)\s*/, "").includes(" ");
    return counts && !unbreakable && length > COLUMNS_MAX ? [{ line: index + 1, length }] : [];
  });
}
