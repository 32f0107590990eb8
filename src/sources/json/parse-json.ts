import { VramCalcError } from "../../errors.ts";

/** Real configs nest eight levels at most. */
const MAX_DEPTH = 200;

/**
 * Reads JSON the way model configs are written: strict JSON, plus the `NaN`, `Infinity` and `-Infinity`
 * that Python's `json.dumps` emits (state-space models carry `"time_step_limit": [0.0, Infinity]`).
 * A leading byte order mark is skipped. A key given twice with two values is an error, because the
 * readers in use differ on which one counts.
 *
 * The messages name line and column on every Node version, which those of `JSON.parse` do not.
 *
 * @param file what messages call the text
 * @throws malformed-file, also for more than 200 levels of nesting
 */
export function parseJson(text: string, file: string): unknown {
  const end = text.length;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;

  function fail(position: number, expected: string, found = foundAt(text, position)): never {
    throw new VramCalcError("malformed-file", {
      file,
      where: lineAndColumn(text, position),
      found,
      expected,
    });
  }

  function skipSpace(): number {
    for (; at < end; at++) {
      const c = text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return c;
    }
    return -1;
  }

  function parseString(): string {
    const start = at++;
    for (; ; at++) {
      const c = text.charCodeAt(at);
      if (c === 0x22) return text.slice(start + 1, at++);
      if (c === 0x5c || c < 0x20 || Number.isNaN(c)) break;
    }
    // The rare string with an escape goes through the engine's own decoder, once its end is known.
    for (; ; at++) {
      const c = text.charCodeAt(at);
      if (Number.isNaN(c)) fail(start, "a closing quote before the end of the file", "an open string");
      if (c === 0x22) break;
      if (c < 0x20) fail(at, "control characters in strings to be escaped");
      if (c === 0x5c) {
        ESCAPE.lastIndex = at;
        if (!ESCAPE.test(text)) fail(at, 'an escape such as \\n, \\" or \\u00e9');
        at = ESCAPE.lastIndex - 1;
      }
    }
    return JSON.parse(text.slice(start, ++at)) as string;
  }

  function parseLiteral(): unknown {
    const start = at;
    let c = text.charCodeAt(at);
    // Short whole numbers, which are most of them: exact in 15 digits, and not -0 or 01.
    let value = 0;
    while (c >= 0x30 && c <= 0x39 && at - start < 15) {
      value = value * 10 + (c - 0x30);
      c = text.charCodeAt(++at);
    }
    const whole = at > start && (at === start + 1 || text.charCodeAt(start) !== 0x30);
    if (whole && !continuesWord(c)) return value;
    LITERAL.lastIndex = start;
    if (!LITERAL.test(text)) return fail(start, "a value");
    at = LITERAL.lastIndex;
    const word = text.slice(start, at);
    // 01, 1.2.3, truex: a literal ends where a separator begins.
    if (continuesWord(text.charCodeAt(at))) fail(start, "a value", quote(text.slice(start, at + 1)));
    return Object.hasOwn(WORDS, word) ? WORDS[word] : Number(word);
  }

  function parseArray(depth: number): unknown[] {
    at++;
    const items: unknown[] = [];
    if (skipSpace() === 0x5d) {
      at++;
      return items;
    }
    for (;;) {
      items.push(parseValue(depth + 1));
      const c = skipSpace();
      if (c !== 0x2c && c !== 0x5d) fail(at, '"," or "]"');
      at++;
      if (c === 0x5d) return items;
    }
  }

  function parseObject(depth: number): Record<string, unknown> {
    at++;
    const members: Record<string, unknown> = {};
    if (skipSpace() === 0x7d) {
      at++;
      return members;
    }
    for (;;) {
      if (skipSpace() !== 0x22) fail(at, "a key in double quotes");
      const start = at;
      const key = parseString();
      // The one key that an assignment would not store but obey.
      if (key === "__proto__") fail(start, "a key other than that", '"__proto__"');
      if (skipSpace() !== 0x3a) fail(at, '":"');
      at++;
      const value = parseValue(depth + 1);
      // JSON knows no undefined; what is there may be inherited still.
      const earlier = members[key];
      if (earlier !== undefined && !Object.is(earlier, value) && Object.hasOwn(members, key))
        fail(start, "each key once", `the key ${quote(key)} with two values`);
      members[key] = value;
      const c = skipSpace();
      if (c !== 0x2c && c !== 0x7d) fail(at, '"," or "}"');
      at++;
      if (c === 0x7d) return members;
    }
  }

  function parseValue(depth: number): unknown {
    const c = skipSpace();
    if (depth > MAX_DEPTH) fail(at, `at most ${MAX_DEPTH}`, "more levels of nesting");
    if (c === 0x7b) return parseObject(depth);
    if (c === 0x5b) return parseArray(depth);
    if (c === 0x22) return parseString();
    return parseLiteral();
  }

  if (skipSpace() === -1) fail(at, "JSON", "an empty file");
  const value = parseValue(0);
  if (skipSpace() !== -1) fail(at, "the end of the file");
  return value;
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERAL = /true|false|null|NaN|-?Infinity|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A letter, a digit, or one of _ . + - */
const continuesWord = (c: number): boolean =>
  (c >= 0x30 && c <= 0x39) ||
  (c >= 0x41 && c <= 0x5a) ||
  (c >= 0x61 && c <= 0x7a) ||
  c === 0x5f ||
  c === 0x2e ||
  c === 0x2b ||
  c === 0x2d;
const WORDS: { readonly [word: string]: unknown } = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

const quote = (text: string): string => `"${text.length > 40 ? `${text.slice(0, 37)}...` : text}"`;

function foundAt(text: string, position: number): string {
  if (position >= text.length) return "the end of the file";
  const c = text.codePointAt(position)!;
  if (c < 0x20) return `the control character U+${c.toString(16).toUpperCase().padStart(4, "0")}`;
  return quote(/^\w+/.exec(text.slice(position, position + 41))?.[0] ?? String.fromCodePoint(c));
}

/** One-based, in UTF-16 units, as editors count. */
function lineAndColumn(text: string, position: number): string {
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf("\n"); i !== -1 && i < position; i = text.indexOf("\n", i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return `line ${line}, column ${position - lineStart + 1}`;
}
