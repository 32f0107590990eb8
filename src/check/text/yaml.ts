import { type ListNode, type MapNode, type Member, MOST_LEVELS, type Node } from "./node.ts";
import { foundAt, quoted, type TextFile } from "./place.ts";
import { openYaml } from "./yaml-scanner.ts";

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
  const s = openYaml(source);
  const {
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
  } = s;

  function addMember(members: Map<string, Member>, key: string, keyAt: number, node: Node): void {
    if (key === "__proto__") fail(keyAt, 'the key "__proto__" is not allowed');
    if (members.has(key)) fail(keyAt, `the key ${quoted(key)} is given twice`);
    members.set(key, { at: keyAt, node });
  }

  function readBrackets(level: number): Node {
    if (level > MOST_LEVELS) fail(s.at, `nested more than ${MOST_LEVELS} levels deep`);
    const start = s.at;
    const isList = text[s.at++] === "[";
    const closing = isList ? "]" : "}";
    const items: Node[] = [];
    const members = new Map<string, Member>();
    for (;;) {
      skipLines(true);
      if (text[s.at] === closing) break;
      const key = readKey(true);
      if (isList && key !== null)
        fail(key.at, `found ${quoted(`${key.key}:`)} in a list, expected a value or a map in braces`);
      if (!isList && key === null)
        fail(s.at, `found ${foundAt(text, s.at)}, expected a key and a value`, "{ context: 8k }");
      skipLines(true);
      const bracket = text[s.at] === "[" || text[s.at] === "{";
      const node = bracket ? readBrackets(level + 1) : readScalar(true);
      if (key === null) items.push(node);
      else addMember(members, key.key, key.at, node);
      skipLines(true);
      if (text[s.at] === closing) break;
      if (text[s.at] !== ",") fail(s.at, `found ${foundAt(text, s.at)}, expected "," or "${closing}"`);
      s.at++;
    }
    s.at++;
    return isList ? { kind: "list", at: start, items } : { kind: "map", at: start, members };
  }

  /** A value that begins here and may go on for lines indented deeper than `outer`. */
  function readNode(outer: number, level: number): Node {
    if (level > MOST_LEVELS) fail(s.at, `nested more than ${MOST_LEVELS} levels deep`);
    if (startsItem()) return readList(column(), level);
    const start = s.at;
    const key = readKey(false);
    s.at = start;
    if (key !== null) return readMap(column(), level);
    return readInline(outer, level);
  }

  /** A value that ends on its line, brackets aside. */
  function readInline(outer: number, level: number): Node {
    const bracket = text[s.at] === "[" || text[s.at] === "{";
    const node = bracket ? readBrackets(level) : readScalar(false);
    endLine();
    const end = s.at;
    const line = s.lineStart;
    skipLines();
    if (s.at < text.length && column() > outer)
      fail(s.at, "this line is indented deeper than the value above it allows");
    s.at = end;
    s.lineStart = line;
    return node;
  }

  function readList(indent: number, level: number): ListNode {
    const start = s.at;
    const items: Node[] = [];
    while (s.at < text.length && column() === indent && startsItem()) {
      const dash = s.at++;
      skipSpaces();
      const sameLine = !atLineEnd();
      if (sameLine && text.slice(dash, s.at).includes("\t"))
        fail(dash + 1, "found a tab after the dash, where YAML takes spaces only");
      skipLines();
      items.push(
        s.at < text.length && column() > indent
          ? readNode(indent, level + 1)
          : { kind: "scalar", at: dash, value: null },
      );
      nextEntry(indent);
    }
    return { kind: "list", at: start, items };
  }

  function readMap(indent: number, level: number): MapNode {
    const start = s.at;
    const members = new Map<string, Member>();
    while (s.at < text.length && column() === indent && !startsItem()) {
      const key = readKey(false);
      if (key === null)
        return fail(s.at, `found ${foundAt(text, s.at)}, expected a key and ":"`, "context: 8k");
      const colon = s.at;
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
    if (s.at < text.length && column() > indent) return readNode(indent, level + 1);
    if (s.at < text.length && column() === indent && startsItem()) return readList(indent, level + 1);
    return { kind: "scalar", at: colon, value: null };
  }

  /** The value of a key on its own line. */
  function readBeside(indent: number, level: number): Node {
    if (startsItem()) fail(s.at, "a list begins on the line below its key", "budgets:");
    const start = s.at;
    const bracket = text[s.at] === "[" || text[s.at] === "{";
    const inner = bracket ? null : readKey(false);
    if (inner !== null)
      fail(
        inner.at,
        'found a second ": " on the line; put the value in quotes, or the map on the line below',
      );
    s.at = start;
    return readInline(indent, level + 1);
  }

  /** Moves to the next line with content, which must not be deeper than the entries before it. */
  function nextEntry(indent: number): void {
    skipLines();
    if (s.at < text.length && column() > indent)
      fail(s.at, `found ${foundAt(text, s.at)} indented by ${column()}, expected ${indent} or less`);
  }

  skipTop();
  if (s.at >= text.length) fail(s.at, "the file is empty");
  const node = readNode(-1, 0);
  skipLines();
  if (s.at < text.length) fail(s.at, `found ${foundAt(text, s.at)}, expected the end of the file`);
  return node;
}
