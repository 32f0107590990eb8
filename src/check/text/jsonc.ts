import { type Member, MOST_LEVELS, type Node } from "./node.ts";
import { badBudgets, EXAMPLE_FILE, foundAt, quoted, type TextFile } from "./place.ts";

export interface JsoncOptions {
  /** Comments and trailing commas, as in `.jsonc` files. */
  readonly relaxed: boolean;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const WORDS: { readonly [word: string]: true | false | null } = { true: true, false: false, null: null };

/**
 * Reads JSON, or JSON with comments and trailing commas, keeping the place of every key and value.
 * A key given twice is an error. Nesting ends at 40 levels.
 *
 * @throws bad-budgets with line and column
 */
export function parseJsonc(source: TextFile, { relaxed }: JsoncOptions): Node {
  const { text } = source;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;

  const fail = (offset: number, problem: string, example = EXAMPLE_FILE): never => {
    throw badBudgets(source, offset, problem, example);
  };
  const unexpected = (expected: string): never =>
    fail(at, `found ${foundAt(text, at)}, expected ${expected}`);

  /** The next character that is neither space nor comment, left unread; NaN at the end. */
  function peek(): number {
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) at++;
      else if (c === 0x2f && (text[at + 1] === "/" || text[at + 1] === "*")) skipComment();
      else return c;
    }
  }

  function skipComment(): void {
    if (!relaxed) fail(at, "found a comment in a .json file, which JSON has none of; rename the file .jsonc");
    const long = text[at + 1] === "*";
    const end = text.indexOf(long ? "*/" : "\n", at + 2);
    if (long && end === -1) fail(at, "this comment never ends", "/* like this */");
    at = end === -1 ? text.length : end + (long ? 2 : 1);
  }

  function readString(): string {
    const start = at++;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === 0x22) break;
      if (!(c >= 0x20)) fail(start, "this string has no closing quote on its line", '"like this"');
      if (c !== 0x5c) at++;
      else {
        ESCAPE.lastIndex = at;
        const sequence = ESCAPE.exec(text)?.[0];
        if (sequence === undefined) {
          return fail(
            at,
            `found the escape ${quoted(text.slice(at, at + 2))}, which JSON does not have`,
            '"\\\\"',
          );
        }
        at += sequence.length;
      }
    }
    return JSON.parse(text.slice(start, ++at)) as string;
  }

  function readList(at0: number, level: number): Node {
    const items: Node[] = [];
    at++;
    while (peek() !== 0x5d) {
      items.push(readValue(level + 1));
      if (!readSeparator(0x5d, '"," or "]"')) break;
    }
    at++;
    return { kind: "list", at: at0, items };
  }

  function readMap(at0: number, level: number): Node {
    const members = new Map<string, Member>();
    at++;
    while (peek() !== 0x7d) {
      if (peek() !== 0x22) unexpected("a key in double quotes");
      const keyAt = at;
      const key = readString();
      if (key === "__proto__") fail(keyAt, 'the key "__proto__" is not allowed');
      if (members.has(key)) fail(keyAt, `the key ${quoted(key)} is given twice`);
      if (peek() !== 0x3a) unexpected(`":" after the key ${quoted(key)}`);
      at++;
      members.set(key, { at: keyAt, node: readValue(level + 1) });
      if (!readSeparator(0x7d, '"," or "}"')) break;
    }
    at++;
    return { kind: "map", at: at0, members };
  }

  /** Reads a comma; false before the closing bracket, which is left unread. */
  function readSeparator(closing: number, expected: string): boolean {
    const c = peek();
    if (c === closing) return false;
    if (c !== 0x2c) unexpected(expected);
    const comma = at++;
    if (peek() === closing && !relaxed)
      fail(comma, "found a comma after the last entry, which JSON does not allow; rename the file .jsonc");
    return true;
  }

  function readValue(level: number): Node {
    const c = peek();
    if (level > MOST_LEVELS) fail(at, `nested more than ${MOST_LEVELS} levels deep`);
    const start = at;
    if (c === 0x7b) return readMap(start, level);
    if (c === 0x5b) return readList(start, level);
    if (c === 0x22) return { kind: "scalar", at: start, value: readString() };
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text)?.[0];
    if (number !== undefined) {
      at += number.length;
      if (/[\w.+-]/.test(text.charAt(at)))
        fail(
          start,
          `cannot read ${quoted(/^[\w.+-]+/.exec(text.slice(start, start + 41))![0])}; a text stands in quotes`,
          '"32k"',
        );
      return { kind: "scalar", at: start, value: Number(number) };
    }
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word === undefined) return unexpected("a value");
    if (!Object.hasOwn(WORDS, word))
      fail(at, `found ${quoted(word)} without quotes`, `"${word.slice(0, 40)}"`);
    at += word.length;
    return { kind: "scalar", at: start, value: WORDS[word]! };
  }

  if (Number.isNaN(peek())) fail(at, "the file is empty");
  const node = readValue(0);
  if (!Number.isNaN(peek())) unexpected("the end of the file");
  return node;
}
