import { Buffer, isUtf8 } from "node:buffer";
import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";

/**
 * JSON read in place, member by member, without building it: tensor lists run to 100 MB, and a hostile one
 * must cost no more than the bytes it is made of.
 */
export interface JsonBytes {
  readonly file: string;
  readonly bytes: Buffer;
  /** The next unread byte, an index into `bytes`. */
  at: number;
  /** Where in the file `bytes` begins; messages then give offsets. Absent for a text file: line and column. */
  readonly base?: Bytes;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Where the JSON starts to be read; `bytes` must be UTF-8. A byte order mark is skipped. */
export function openJson(file: string, bytes: Uint8Array, base?: Bytes): JsonBytes {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(buffer)) {
    const found = "bytes that are not text";
    throw new VramCalcError("malformed-file", { file, found, expected: "JSON in UTF-8" });
  }
  const at = base === undefined && buffer.subarray(0, 3).toString("hex") === "efbbbf" ? 3 : 0;
  return base === undefined ? { file, bytes: buffer, at } : { file, bytes: buffer, at, base };
}

/** The error for what stands at `at`, or for what the caller says was found there. */
export function unexpected(json: JsonBytes, at: number, expected: string, found?: string): VramCalcError {
  return new VramCalcError("malformed-file", {
    file: json.file,
    where: whereIs(json, at),
    found: found ?? foundAt(json.bytes, at),
    expected,
  });
}

function whereIs(json: JsonBytes, at: number): string {
  if (json.base !== undefined) return `byte ${json.base + at}`;
  let line = 1;
  let lineStart = 0;
  for (let i = json.bytes.indexOf(0x0a); i !== -1 && i < at; i = json.bytes.indexOf(0x0a, i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return `line ${line}, column ${json.bytes.toString("utf8", lineStart, at).length + 1}`;
}

function foundAt(bytes: Buffer, at: number): string {
  if (at >= bytes.length) return "the end of the JSON";
  const text = bytes.toString("utf8", at, at + 24);
  return `"${/^\w+/.exec(text)?.[0] ?? String.fromCodePoint(text.codePointAt(0)!)}"`;
}

/** The next byte that is not white space, left unread; -1 at the end. */
function peek(json: JsonBytes): number {
  const { bytes } = json;
  for (let at = json.at; at < bytes.length; at++) {
    const c = bytes[at]!;
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) {
      json.at = at;
      return c;
    }
  }
  json.at = bytes.length;
  return -1;
}

function take(json: JsonBytes, byte: number, expected: string): void {
  if (peek(json) !== byte) throw unexpected(json, json.at, expected);
  json.at++;
}

/** Reads the brace that opens an object. */
export function enterObject(json: JsonBytes): void {
  take(json, OPEN_BRACE, '"{"');
}

/**
 * The key of the next member, its colon read, or null at the end of the object, that read too.
 * `index` is how many members came before.
 */
export function nextKey(json: JsonBytes, index: number): string | null {
  const c = peek(json);
  if (c === CLOSE_BRACE) {
    json.at++;
    return null;
  }
  if (index > 0) take(json, COMMA, '"," or "}"');
  if (peek(json) !== QUOTE) throw unexpected(json, json.at, "a key in double quotes");
  const key = readString(json);
  take(json, COLON, '":"');
  return key;
}

/** Reads the bracket that opens an array. */
export function enterArray(json: JsonBytes): void {
  take(json, OPEN_BRACKET, '"["');
}

/** True before the next element, its comma read, or false at the end of the array, that read too. */
export function nextElement(json: JsonBytes, index: number): boolean {
  if (peek(json) === CLOSE_BRACKET) {
    json.at++;
    return false;
  }
  if (index > 0) take(json, COMMA, '"," or "]"');
  return true;
}

/** Short strings seen lately, by a hash of their bytes: keys and dtypes repeat a hundred thousand times. */
const RECENT: (string | undefined)[] = Array.from({ length: 256 });
const LONGEST_RECENT = 16;

/** @param guess what the string may well be; if so, it is what comes back */
export function readString(json: JsonBytes, guess?: string): string {
  const { bytes } = json;
  if (peek(json) !== QUOTE) throw unexpected(json, json.at, "a string");
  const start = json.at + 1;
  if (guess !== undefined && bytes[start + guess.length] === QUOTE && equals(bytes, start, guess)) {
    json.at = start + guess.length + 1;
    return guess;
  }
  let at = start;
  let hash = 0;
  for (let c = bytes[at]; c !== QUOTE; c = bytes[++at]) {
    if (c === undefined || c < 0x20 || c === BACKSLASH || c > 0x7e) return readRichString(json, start, at);
    hash = (hash * 31 + c) | 0;
  }
  json.at = at + 1;
  if (at - start > LONGEST_RECENT) return bytes.toString("latin1", start, at);
  const recent = RECENT[hash & 255];
  if (recent !== undefined && recent.length === at - start && equals(bytes, start, recent)) return recent;
  const text = bytes.toString("latin1", start, at);
  RECENT[hash & 255] = text;
  return text;
}

function equals(bytes: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** A string with escapes or beyond ASCII, from its first such byte on. */
function readRichString(json: JsonBytes, start: number, from: number): string {
  const { bytes } = json;
  let escaped = false;
  let at = from;
  for (let c = bytes[at]; c !== QUOTE; c = bytes[++at]) {
    if (c === undefined) throw unexpected(json, start - 1, "a closing quote", "an open string");
    if (c < 0x20) throw unexpected(json, at, "control characters in strings to be escaped");
    if (c === BACKSLASH) {
      escaped = true;
      at++;
    }
  }
  json.at = at + 1;
  if (!escaped) return bytes.toString("utf8", start, at);
  try {
    return JSON.parse(bytes.toString("utf8", start - 1, at + 1)) as string;
  } catch {
    throw unexpected(json, start - 1, "escapes such as \\n or \\u00e9", "a string with a broken escape");
  }
}

/** A whole number from 0 to 2^53 - 1, written in digits alone. */
export function readCount(json: JsonBytes): number {
  const { bytes } = json;
  peek(json);
  const start = json.at;
  let at = start;
  let value = 0;
  for (let c = bytes[at]; c !== undefined && c >= 0x30 && c <= 0x39; c = bytes[++at])
    value = value * 10 + (c - 0x30);
  const after = bytes[at];
  const leadingZero = at - start > 1 && bytes[start] === 0x30;
  if (at === start || leadingZero || after === 0x2e || after === 0x65 || after === 0x45)
    throw unexpected(json, start, "a whole number of 0 or more");
  if (value > Number.MAX_SAFE_INTEGER)
    throw unexpected(
      json,
      start,
      "a number below 2^53",
      bytes.toString("latin1", start, Math.min(at, start + 24)),
    );
  json.at = at;
  return value;
}

/** Moves past any value and returns its text, unchecked but for its brackets and quotes. */
export function skipValue(json: JsonBytes): string {
  const { bytes } = json;
  peek(json);
  const start = json.at;
  let depth = 0;
  for (; json.at < bytes.length; json.at++) {
    const c = bytes[json.at]!;
    if (c === QUOTE) {
      readString(json);
      json.at--;
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++;
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET || c === COMMA) {
      if (depth === 0) break;
      if (c !== COMMA) depth--;
    }
  }
  return bytes.toString("utf8", start, json.at);
}

/** Checks that nothing but white space follows. */
export function endJson(json: JsonBytes): void {
  if (peek(json) !== -1) throw unexpected(json, json.at, "nothing after the JSON");
}
