import { type ListNode, type MapNode, type Member, MOST_LEVELS, type Node, type ScalarNode } from "./node.ts";
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

/**
 * Reads the part of YAML that configuration files are written in: block maps and lists, lists and maps in
 * brackets, plain and quoted scalars of one line, comments, one optional `---` at the top. JSON is within it,
 * numbers with an exponent aside.
 *
 * Everything else (anchors, tags, block text, several documents, tabs as indentation, keys given twice, scalars
 * that YAML 1.1 and 1.2 read differently) is refused with its line and column, so that no other reader can
 * take the file for something else.
 *
 * @throws bad-budgets
 */
export function parseYaml(source: TextFile): Node {
  const { text } = source;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let lineStart = at;

  const fail = (offset: number, problem: string, example = EXAMPLE_FILE): never => {
    throw badBudgets(source, offset, problem, example);
  };
  const column = (): number => at - lineStart;
  const isSpace = (c: string | undefined): boolean =>
    c === undefined || c === " " || c === "\n" || c === "\r" || c === "\t";

  FORBIDDEN.lastIndex = at;
  const forbidden = FORBIDDEN.exec(text);
  if (forbidden !== null)
    fail(
      forbidden.index,
      `found a character that YAML does not allow, U+${forbidden[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
    );

  /** Moves over spaces and a comment to the end of the line or to what stands before it. */
  function skipSpaces(): void {
    const start = at;
    while (text[at] === " " || text[at] === "\t" || text[at] === "\r") at++;
    if (text[at] === "#" && (at > start || column() === 0)) {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
    }
  }

  /** Moves to the next content, over line ends. */
  function skipLines(inBrackets = false): void {
    const start = at;
    for (;;) {
      skipSpaces();
      if (text[at] !== "\n") break;
      at++;
      lineStart = at;
    }
    // Only a line that was just reached is indented; looking back on a long one would take quadratic time.
    if (at >= text.length || lineStart < start) return;
    const tab = inBrackets ? -1 : text.slice(lineStart, at).indexOf("\t");
    if (tab !== -1) fail(lineStart + tab, "found a tab in the indentation, where YAML takes spaces only");
    if (column() === 0 && /^(?:---|\.\.\.)(?:\s|$)/.test(text.slice(at, at + 4)))
      fail(at, `found ${quoted(text.slice(at, at + 3))}: the file is one document`);
  }

  const startsItem = (): boolean => text[at] === "-" && isSpace(text[at + 1]);
  const atLineEnd = (): boolean => at >= text.length || text[at] === "\n";

  function endLine(): void {
    skipSpaces();
    if (!atLineEnd()) fail(at, `found ${foundAt(text, at)} after the value, expected the end of the line`);
  }

  function readQuoted(): ScalarNode {
    const start = at;
    const quote = text[at++]!;
    let value = "";
    for (;;) {
      const c = text[at];
      if (c === undefined || c === "\n" || c === "\r")
        return fail(start, "this string has no closing quote on its line", '"like this"');
      if (c === quote) {
        at++;
        if (quote === '"' || text[at] !== "'") break;
        value += "'";
        at++;
      } else if (c === "\\" && quote === '"') {
        ESCAPE.lastIndex = at;
        const sequence = ESCAPE.exec(text)?.[0];
        if (sequence === undefined)
          return fail(
            at,
            `found the escape ${quoted(text.slice(at, at + 2))}, expected one of JSON's`,
            '"\\\\"',
          );
        value += JSON.parse(`"${sequence}"`) as string;
        at += sequence.length;
      } else {
        value += c;
        at++;
      }
    }
    return { kind: "scalar", at: start, value };
  }

  /** The text of an unquoted scalar: to the end of the line, a comment, `: ` or, in brackets, a `,` or bracket. */
  function plainText(inBrackets: boolean): string {
    const start = at;
    let end = at;
    for (; !atLineEnd(); at++) {
      const c = text[at]!;
      if (c === "#" && isSpace(text[at - 1])) break;
      if (c === ":" && (isSpace(text[at + 1]) || (inBrackets && /[,[\]{}]/.test(text[at + 1]!)))) break;
      if (inBrackets && /[,[\]{}]/.test(c)) break;
      if (!isSpace(c)) end = at + 1;
    }
    at = end;
    return text.slice(start, end);
  }

  function checkStart(inBrackets: boolean): void {
    const c = text[at] ?? "";
    if (Object.hasOwn(INDICATORS, c))
      fail(
        at,
        `found ${INDICATORS[c]}, which is not read here; write the value itself, in quotes if it is text`,
      );
    const indicator = /[,\]}]/.test(c) || (/[-?:]/.test(c) && isSpace(text[at + 1]));
    if (indicator || (inBrackets && /[-?:]/.test(c) && /[,[\]{}]/.test(text[at + 1] ?? "")))
      fail(at, `found ${foundAt(text, at)}, expected a value`);
  }

  function readScalar(inBrackets: boolean): ScalarNode {
    if (text[at] === '"' || text[at] === "'") return readQuoted();
    checkStart(inBrackets);
    const start = at;
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
    const start = at;
    const isQuoted = text[at] === '"' || text[at] === "'";
    if (!isQuoted && /[[\]{},]/.test(text[at] ?? "")) return null;
    const key = isQuoted ? String(readQuoted().value) : plainText(inBrackets);
    const keyEnd = at;
    while (text[at] === " " || text[at] === "\t") at++;
    // After a quoted key in brackets the colon may touch its value, as in JSON.
    const colon = text[at] === ":" && (isSpace(text[at + 1]) || (inBrackets && isQuoted));
    if (!colon && !(inBrackets && text[at] === ":" && /[,[\]{}]/.test(text[at + 1]!))) {
      at = start;
      return null;
    }
    if (!isQuoted) {
      at = start;
      checkStart(inBrackets);
      if (typeof plainScalar(key) !== "string")
        fail(start, `the key ${quoted(key)} is not text; put it in quotes`, `"${key.slice(0, 40)}": 1`);
      at = keyEnd;
      while (text[at] === " " || text[at] === "\t") at++;
    }
    at++;
    return { key, at: start };
  }

  function addMember(members: Map<string, Member>, key: string, keyAt: number, node: Node): void {
    if (key === "__proto__") fail(keyAt, 'the key "__proto__" is not allowed');
    if (members.has(key)) fail(keyAt, `the key ${quoted(key)} is given twice`);
    members.set(key, { at: keyAt, node });
  }

  function readBrackets(level: number): Node {
    if (level > MOST_LEVELS) fail(at, `nested more than ${MOST_LEVELS} levels deep`);
    const start = at;
    const isList = text[at++] === "[";
    const closing = isList ? "]" : "}";
    const items: Node[] = [];
    const members = new Map<string, Member>();
    for (;;) {
      skipLines(true);
      if (text[at] === closing) break;
      const key = readKey(true);
      if (isList && key !== null)
        fail(key.at, `found ${quoted(`${key.key}:`)} in a list, expected a value or a map in braces`);
      if (!isList && key === null)
        fail(at, `found ${foundAt(text, at)}, expected a key and a value`, "{ context: 8k }");
      skipLines(true);
      const bracket = text[at] === "[" || text[at] === "{";
      const node = bracket ? readBrackets(level + 1) : readScalar(true);
      if (key === null) items.push(node);
      else addMember(members, key.key, key.at, node);
      skipLines(true);
      if (text[at] === closing) break;
      if (text[at] !== ",") fail(at, `found ${foundAt(text, at)}, expected "," or "${closing}"`);
      at++;
    }
    at++;
    return isList ? { kind: "list", at: start, items } : { kind: "map", at: start, members };
  }

  /** A value that begins here and may go on for lines indented deeper than `outer`. */
  function readNode(outer: number, level: number): Node {
    if (level > MOST_LEVELS) fail(at, `nested more than ${MOST_LEVELS} levels deep`);
    if (startsItem()) return readList(column(), level);
    const start = at;
    const key = readKey(false);
    at = start;
    if (key !== null) return readMap(column(), level);
    return readInline(outer, level);
  }

  /** A value that ends on its line, brackets aside. */
  function readInline(outer: number, level: number): Node {
    const bracket = text[at] === "[" || text[at] === "{";
    const node = bracket ? readBrackets(level) : readScalar(false);
    endLine();
    const end = at;
    const line = lineStart;
    skipLines();
    if (at < text.length && column() > outer)
      fail(at, "this line is indented deeper than the value above it allows");
    at = end;
    lineStart = line;
    return node;
  }

  function readList(indent: number, level: number): ListNode {
    const start = at;
    const items: Node[] = [];
    while (at < text.length && column() === indent && startsItem()) {
      const dash = at++;
      skipSpaces();
      const sameLine = !atLineEnd();
      if (sameLine && text.slice(dash, at).includes("\t"))
        fail(dash + 1, "found a tab after the dash, where YAML takes spaces only");
      skipLines();
      items.push(
        at < text.length && column() > indent
          ? readNode(indent, level + 1)
          : { kind: "scalar", at: dash, value: null },
      );
      nextEntry(indent);
    }
    return { kind: "list", at: start, items };
  }

  function readMap(indent: number, level: number): MapNode {
    const start = at;
    const members = new Map<string, Member>();
    while (at < text.length && column() === indent && !startsItem()) {
      const key = readKey(false);
      if (key === null) return fail(at, `found ${foundAt(text, at)}, expected a key and ":"`, "context: 8k");
      const colon = at;
      skipSpaces();
      addMember(
        members,
        key.key,
        key.at,
        atLineEnd() ? readBelow(indent, level, colon) : readBeside(indent, level),
      );
      nextEntry(indent);
    }
    return { kind: "map", at: start, members };
  }

  /** The value of a key on the lines below it: deeper, or a list at the key's own indentation. */
  function readBelow(indent: number, level: number, colon: number): Node {
    skipLines();
    if (at < text.length && column() > indent) return readNode(indent, level + 1);
    if (at < text.length && column() === indent && startsItem()) return readList(indent, level + 1);
    return { kind: "scalar", at: colon, value: null };
  }

  /** The value of a key on its own line. */
  function readBeside(indent: number, level: number): Node {
    if (startsItem()) fail(at, "a list begins on the line below its key", "budgets:");
    const start = at;
    const bracket = text[at] === "[" || text[at] === "{";
    const inner = bracket ? null : readKey(false);
    if (inner !== null)
      fail(
        inner.at,
        'found a second ": " on the line; put the value in quotes, or the map on the line below',
      );
    at = start;
    return readInline(indent, level + 1);
  }

  /** Moves to the next line with content, which must not be deeper than the entries before it. */
  function nextEntry(indent: number): void {
    skipLines();
    if (at < text.length && column() > indent)
      fail(at, `found ${foundAt(text, at)} indented by ${column()}, expected ${indent} or less`);
  }

  skipTop();
  if (at >= text.length) fail(at, "the file is empty");
  const node = readNode(-1, 0);
  skipLines();
  if (at < text.length) fail(at, `found ${foundAt(text, at)}, expected the end of the file`);
  return node;

  /** Blank lines, comments and the one `---` that may open the document. */
  function skipTop(): void {
    for (;;) {
      skipSpaces();
      if (text[at] === "\n") {
        at++;
        lineStart = at;
      } else if (
        column() === 0 &&
        /^---[ \t\r]*(?:\n|$| #)/.test(text.slice(at, text.indexOf("\n", at) + 1 || undefined))
      ) {
        at += 3;
        break;
      } else {
        at = lineStart;
        break;
      }
    }
    skipLines();
  }
}
