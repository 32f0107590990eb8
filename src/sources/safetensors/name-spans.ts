import { Buffer, isAscii } from "node:buffer";

/**
 * Tensor names where they lie in a file, not yet strings: the largest models have a million, and to check
 * them takes their bytes alone. Every name is printable ASCII without escapes, so that bytes are characters.
 */
export interface NameSpans {
  readonly view: DataView;
  count: number;
  /** Four numbers for each name, `START` to `LABEL`, and room for more. */
  fields: Int32Array;
  /** No more names than these. */
  readonly limit: number;
}

const FIELDS = 4;
const START = 0;
/** Behind the last character. */
const END = 1;
const HASH = 2;
/** What the reader knows of the name: which shard or which kind of tensor. */
const LABEL = 3;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether every quoted string in `bytes` may be read as a span, but for control characters. */
export function mayHoldSpans(bytes: Buffer): boolean {
  return isAscii(bytes) && !bytes.includes(BACKSLASH);
}

/** The same bytes as a view. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** No names yet. Room is made for as many as lie in `view` if each has `bytesEach`. */
export function noSpans(view: DataView, bytesEach: number, limit: number): NameSpans {
  const room = Math.min(limit, Math.ceil(view.byteLength / bytesEach));
  return { view, count: 0, fields: new Int32Array(FIELDS * room), limit };
}

/** The same names without the room that was left, neither in the fields nor around the bytes. */
export function withoutRoom(spans: NameSpans): NameSpans {
  const { view, count } = spans;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const alone = view.buffer.byteLength <= 2 * bytes.length;
  return {
    view: alone ? view : viewOf(bytes.slice()),
    count,
    fields: spans.fields.slice(0, FIELDS * count),
    limit: count,
  };
}

function makeRoom(spans: NameSpans): void {
  const larger = new Int32Array(Math.min(FIELDS * spans.limit, 2 * spans.fields.length));
  larger.set(spans.fields);
  spans.fields = larger;
}

/**
 * Adds the name whose first character is at `start` and returns where its closing quote is, or -1 for a
 * control character, an open string or a lack of room.
 */
export function addSpan(spans: NameSpans, start: number): number {
  if (spans.count === spans.limit) return -1;
  const field = FIELDS * spans.count;
  if (field === spans.fields.length) makeRoom(spans);
  const { view, fields } = spans;
  const end = view.byteLength;
  let hash = 0;
  let at = start;
  // Four bytes at a time, as long as none of them is a quote (zero after the exclusive or) or below 0x20.
  for (; at + 4 <= end; at += 4) {
    const four = view.getInt32(at, true);
    const quotes = four ^ 0x22222222;
    if (((quotes - 0x01010101) & ~quotes & 0x80808080) !== 0) break;
    if (((four - 0x20202020) & ~four & 0x80808080) !== 0) return -1;
    hash = (Math.imul(hash, 0x01000193) + four) | 0;
  }
  for (; at < end; at++) {
    const c = view.getUint8(at);
    if (c === QUOTE) break;
    if (c < 0x20) return -1;
    hash = (Math.imul(hash, 0x01000193) + c) | 0;
  }
  if (at === end) return -1;
  fields[field + START] = start;
  fields[field + END] = at;
  fields[field + HASH] = hash ^ (hash >>> 15);
  spans.count++;
  return at;
}

/** Labels the name at `index` with a number. */
export function setLabel({ fields }: NameSpans, index: number, label: number): void {
  fields[FIELDS * index + LABEL] = label;
}

/** The label of the name at `index`. */
export function labelAt({ fields }: NameSpans, index: number): number {
  return fields[FIELDS * index + LABEL]!;
}

/** The name at `index` as text. */
export function nameAt({ view, fields }: NameSpans, index: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return bytes.toString("latin1", fields[FIELDS * index + START], fields[FIELDS * index + END]);
}

/** All names, as parts of one text: a string of its own for each would take three times as long. */
export function allNames({ view, count, fields }: NameSpans): string[] {
  const text = Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("latin1");
  return Array.from({ length: count }, (_, index) =>
    text.slice(fields[FIELDS * index + START], fields[FIELDS * index + END]),
  );
}

/** Names and where to find each: open addressing by hash; a slot holds one more than an index, or 0. */
export interface NameTable {
  readonly spans: NameSpans;
  readonly slots: Int32Array;
}

/** Slots that a name may lie behind its own. A quarter of a million names fill their table with 60. */
const MAX_STEPS = 256;

/** Null where a name is there twice, or where hashes are so alike that a set of strings is the better table. */
export function tableOf(spans: NameSpans): NameTable | null {
  const { count, fields } = spans;
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
  const mask = slots.length - 1;
  for (let index = 0; index < count; index++) {
    const hash = fields[FIELDS * index + HASH]!;
    let slot = hash & mask;
    let steps = 0;
    for (let held = slots[slot]!; held !== 0; held = slots[slot]!) {
      if (++steps > MAX_STEPS || sameName(spans, held - 1, spans, index)) return null;
      slot = (slot + 1) & mask;
    }
    slots[slot] = index + 1;
  }
  return { spans, slots };
}

/** Whether the table holds the name `index` of other spans. */
export function holds({ spans, slots }: NameTable, others: NameSpans, index: number): boolean {
  const mask = slots.length - 1;
  let slot = others.fields[FIELDS * index + HASH]! & mask;
  for (; slots[slot] !== 0; slot = (slot + 1) & mask)
    if (sameName(spans, slots[slot]! - 1, others, index)) return true;
  return false;
}

function sameName(a: NameSpans, i: number, b: NameSpans, j: number): boolean {
  if (a.fields[FIELDS * i + HASH] !== b.fields[FIELDS * j + HASH]) return false;
  const [start, other] = [a.fields[FIELDS * i + START]!, b.fields[FIELDS * j + START]!];
  const length = a.fields[FIELDS * i + END]! - start;
  return (
    length === b.fields[FIELDS * j + END]! - other &&
    sharedBytes(a.view, start, b.view, other, length) === length
  );
}

/** How many of `length` bytes from `i` on in `a` are those from `j` on in `b`, until the first that is not. */
export function sharedBytes(a: DataView, i: number, b: DataView, j: number, length: number): number {
  const end = Math.min(length, a.byteLength - i, b.byteLength - j);
  let shared = 0;
  while (shared + 4 <= end && a.getInt32(i + shared, true) === b.getInt32(j + shared, true)) shared += 4;
  while (shared < end && a.getUint8(i + shared) === b.getUint8(j + shared)) shared++;
  return shared;
}

/** Whether the last name follows the one before it in the order of their bytes. */
export function lastFollows({ view, count, fields }: NameSpans): boolean {
  if (count < 2) return true;
  const [a, b] = [FIELDS * (count - 2), FIELDS * (count - 1)];
  const [aStart, bStart] = [fields[a + START]!, fields[b + START]!];
  const [aLength, bLength] = [fields[a + END]! - aStart, fields[b + END]! - bStart];
  const length = Math.min(aLength, bLength);
  const shared = sharedBytes(view, aStart, view, bStart, length);
  if (shared === length) return aLength < bLength;
  return view.getUint8(aStart + shared) < view.getUint8(bStart + shared);
}
