import type { ScalarNode } from "./node.ts";
import { badBudgets, EXAMPLE_FILE, foundAt, quoted, type TextFile } from "./place.ts";
import { plainScalar } from "./yaml-scalar.ts";

/** Characters that YAML forbids or that its versions disagree on, anywhere in the text. */
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
/** What may not begin an unquoted scalar, and what to say of it. */
const INDICATORS: { readonly [character: string]: string } = {
  "&": "an anchor",
  "*": "an alias",
  "!": "a tag",
  "|": "block text",
  ">": "folded text",
  "%": "a directive",
  "@": '"@" without quotes',
  "`": "a backtick without quotes",
};

/** A place in YAML text, and what can be read from there on: lines, scalars and keys, but no structure. */
export interface YamlScanner {
  readonly text: string;
  /** The next unread character. */
  at: number;
  /** Where its line begins. */
  lineStart: number;
  readonly fail: (offset: number, problem: string, example?: string) => never;
  readonly column: () => number;
  /** Moves over spaces and a comment to the end of the line or to what stands before it. */
  readonly skipSpaces: () => void;
  /** Moves to the next content, over line ends. */
  readonly skipLines: (inBrackets?: boolean) => void;
  /** Moves to the first content, over the one `---` that may open the document. */
  readonly skipTop: () => void;
  /** True before the dash of a list item. */
  readonly startsItem: () => boolean;
  readonly atLineEnd: () => boolean;
  /** Moves to the end of the line, where nothing but a comment may stand. */
  readonly endLine: () => void;
  readonly readScalar: (inBrackets: boolean) => ScalarNode;
  /** A key and its colon, or null where the line holds none; the place is left unmoved then. */
  readonly readKey: (inBrackets: boolean) => { readonly key: string; readonly at: number } | null;
}

/**
 * Opens a text for reading.
 *
 * @throws bad-budgets for a character that YAML does not allow
 */
export function openYaml(source: TextFile): YamlScanner {
  const { text } = source;
  const begin = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const s = { at: begin, lineStart: begin };

  const fail = (offset: number, problem: string, example = EXAMPLE_FILE): never => {
    throw badBudgets(source, offset, problem, example);
  };
  const column = (): number => s.at - s.lineStart;
  const isSpace = (c: string | undefined): boolean =>
    c === undefined || c === " " || c === "\n" || c === "\r" || c === "\t";

  FORBIDDEN.lastIndex = s.at;
  const forbidden = FORBIDDEN.exec(text);
  if (forbidden !== null)
    fail(
      forbidden.index,
      `found a character that YAML does not allow, U+${forbidden[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
    );

  /** Moves over spaces and a comment to the end of the line or to what stands before it. */
  function skipSpaces(): void {
    const start = s.at;
    while (text[s.at] === " " || text[s.at] === "\t" || text[s.at] === "\r") s.at++;
    if (text[s.at] === "#" && (s.at > start || column() === 0)) {
      const end = text.indexOf("\n", s.at);
      s.at = end === -1 ? text.length : end;
    }
  }

  /** Moves to the next content, over line ends. */
  function skipLines(inBrackets = false): void {
    const start = s.at;
    for (;;) {
      skipSpaces();
      if (text[s.at] !== "\n") break;
      s.at++;
      s.lineStart = s.at;
    }
    // Only a line that was just reached is indented; looking back on a long one would take quadratic time.
    if (s.at >= text.length || s.lineStart < start) return;
    const tab = inBrackets ? -1 : text.slice(s.lineStart, s.at).indexOf("\t");
    if (tab !== -1) fail(s.lineStart + tab, "found a tab in the indentation, where YAML takes spaces only");
    if (column() === 0 && /^(?:---|\.\.\.)(?:\s|$)/.test(text.slice(s.at, s.at + 4)))
      fail(s.at, `found ${quoted(text.slice(s.at, s.at + 3))}: the file is one document`);
  }

  const startsItem = (): boolean => text[s.at] === "-" && isSpace(text[s.at + 1]);
  const atLineEnd = (): boolean => s.at >= text.length || text[s.at] === "\n";

  function endLine(): void {
    skipSpaces();
    if (!atLineEnd())
      fail(s.at, `found ${foundAt(text, s.at)} after the value, expected the end of the line`);
  }

  function readQuoted(): ScalarNode {
    const start = s.at;
    const quote = text[s.at++]!;
    let value = "";
    for (;;) {
      const c = text[s.at];
      if (c === undefined || c === "\n" || c === "\r")
        return fail(start, "this string has no closing quote on its line", '"like this"');
      if (c === quote) {
        s.at++;
        if (quote === '"' || text[s.at] !== "'") break;
        value += "'";
        s.at++;
      } else if (c === "\\" && quote === '"') {
        ESCAPE.lastIndex = s.at;
        const sequence = ESCAPE.exec(text)?.[0];
        if (sequence === undefined)
          return fail(
            s.at,
            `found the escape ${quoted(text.slice(s.at, s.at + 2))}, expected one of JSON's`,
            '"\\\\"',
          );
        value += JSON.parse(`"${sequence}"`) as string;
        s.at += sequence.length;
      } else {
        value += c;
        s.at++;
      }
    }
    return { kind: "scalar", at: start, value };
  }

  /** The text of an unquoted scalar: to the end of the line, a comment, `: ` or, in brackets, a `,` or bracket. */
  function plainText(inBrackets: boolean): string {
    const start = s.at;
    let end = s.at;
    for (; !atLineEnd(); s.at++) {
      const c = text[s.at]!;
      if (c === "#" && isSpace(text[s.at - 1])) break;
      if (c === ":" && (isSpace(text[s.at + 1]) || (inBrackets && /[,[\]{}]/.test(text[s.at + 1]!)))) break;
      if (inBrackets && /[,[\]{}]/.test(c)) break;
      if (!isSpace(c)) end = s.at + 1;
    }
    s.at = end;
    return text.slice(start, end);
  }

  function checkStart(inBrackets: boolean): void {
    const c = text[s.at] ?? "";
    if (Object.hasOwn(INDICATORS, c))
      fail(
        s.at,
        `found ${INDICATORS[c]}, which is not read here; write the value itself, in quotes if it is text`,
      );
    const indicator = /[,\]}]/.test(c) || (/[-?:]/.test(c) && isSpace(text[s.at + 1]));
    if (indicator || (inBrackets && /[-?:]/.test(c) && /[,[\]{}]/.test(text[s.at + 1] ?? "")))
      fail(s.at, `found ${foundAt(text, s.at)}, expected a value`);
  }

  function readScalar(inBrackets: boolean): ScalarNode {
    if (text[s.at] === '"' || text[s.at] === "'") return readQuoted();
    checkStart(inBrackets);
    const start = s.at;
    const plain = plainText(inBrackets);
    const value = plainScalar(plain);
    if (value === undefined)
      return fail(
        start,
        `versions of YAML read ${quoted(plain)} differently; put it in quotes`,
        `"${plain.slice(0, 40)}"`,
      );
    return { kind: "scalar", at: start, value };
  }

  /** A key and its colon, or null where the line holds none; the place is left unmoved then. */
  function readKey(inBrackets: boolean): { readonly key: string; readonly at: number } | null {
    const start = s.at;
    const isQuoted = text[s.at] === '"' || text[s.at] === "'";
    if (!isQuoted && /[[\]{},]/.test(text[s.at] ?? "")) return null;
    const key = isQuoted ? String(readQuoted().value) : plainText(inBrackets);
    const keyEnd = s.at;
    while (text[s.at] === " " || text[s.at] === "\t") s.at++;
    // After a quoted key in brackets the colon may touch its value, as in JSON.
    const colon = text[s.at] === ":" && (isSpace(text[s.at + 1]) || (inBrackets && isQuoted));
    if (!colon && !(inBrackets && text[s.at] === ":" && /[,[\]{}]/.test(text[s.at + 1]!))) {
      s.at = start;
      return null;
    }
    if (!isQuoted) {
      s.at = start;
      checkStart(inBrackets);
      if (typeof plainScalar(key) !== "string")
        fail(start, `the key ${quoted(key)} is not text; put it in quotes`, `"${key.slice(0, 40)}": 1`);
      s.at = keyEnd;
      while (text[s.at] === " " || text[s.at] === "\t") s.at++;
    }
    s.at++;
    return { key, at: start };
  }

  /** Blank lines, comments and the one `---` that may open the document. */
  function skipTop(): void {
    for (;;) {
      skipSpaces();
      if (text[s.at] === "\n") {
        s.at++;
        s.lineStart = s.at;
      } else if (
        column() === 0 &&
        /^---[ \t\r]*(?:\n|$| #)/.test(text.slice(s.at, text.indexOf("\n", s.at) + 1 || undefined))
      ) {
        s.at += 3;
        break;
      } else {
        s.at = s.lineStart;
        break;
      }
    }
    skipLines();
  }
  return Object.assign(s, {
    text,
    fail,
    column,
    skipSpaces,
    skipLines,
    startsItem,
    atLineEnd,
    endLine,
    readScalar,
    readKey,
    skipTop,
  });
}
