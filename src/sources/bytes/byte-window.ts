import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "./byte-source.ts";

/** The piece of a file that a parser walks over. */
export interface ByteWindow {
  readonly name: string;
  /** The whole file's length; null while unknown. */
  size: Bytes | null;
  bytes: Uint8Array;
  view: DataView;
  /** Where in the file `bytes` begins. */
  start: Bytes;
  /** The next unread byte, an index into `bytes`. A parser that skips may set it past their end. */
  at: number;
}

/**
 * A parser that runs synchronously while the window lasts and yields how many bytes it needs at
 * `window.at` when it does not. An asynchronous call per value would cost a thousand times more.
 */
export type WindowParser<T> = Generator<Bytes, T, void>;

const FIRST_PIECE: Bytes = 2 ** 18;
const LARGEST_PIECE: Bytes = 2 ** 20;

/**
 * Runs a parser over the head of a file. The window slides: what was read is dropped, so memory is bounded
 * by the largest single demand (plus 1 MiB), not by the length of the header.
 *
 * @param maxBytes where a header ends at the latest
 * @throws malformed-file when the file ends before the parser does, or the header exceeds `maxBytes`
 */
export async function walkFile<T>(
  source: ByteSource,
  maxBytes: Bytes,
  parse: (window: ByteWindow) => WindowParser<T>,
): Promise<T> {
  const empty = new Uint8Array(0);
  const window: ByteWindow = {
    name: source.name,
    size: source.size,
    bytes: empty,
    view: new DataView(empty.buffer),
    start: 0,
    at: 0,
  };
  const parser = parse(window);
  for (let piece = FIRST_PIECE; ; piece = LARGEST_PIECE) {
    const step = parser.next();
    if (step.done === true) return step.value;
    const offset = window.start + window.at;
    if (offset + step.value > maxBytes)
      throw malformed(window, offset, "a header that goes on", `at most ${groupDigits(maxBytes)} bytes`);
    // The few bytes of a started value are read again: cheaper than joining pieces.
    const bytes = await source.read(offset, Math.max(step.value, piece));
    window.size = source.size;
    if (bytes.length < step.value) throw cutShort(window, offset, step.value);
    window.bytes = bytes;
    window.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    window.start = offset;
    window.at = 0;
  }
}

/** The offset in the file of the next unread byte. */
export function positionOf(window: ByteWindow): Bytes {
  return window.start + window.at;
}

/** True when `count` more bytes have to be asked for with a yield. */
export function lacks(window: ByteWindow, count: Bytes): boolean {
  return window.at + count > window.bytes.length;
}

/** The error for a wrong byte: what is there and what belongs there, with the offset. */
export function malformed(
  window: ByteWindow,
  offset: Bytes,
  found: string,
  expected: string,
): VramCalcError<"malformed-file"> {
  return new VramCalcError("malformed-file", { file: window.name, where: `byte ${offset}`, found, expected });
}

/** The error for a file that ends inside a value. */
export function cutShort(window: ByteWindow, offset: Bytes, needed: Bytes): VramCalcError<"malformed-file"> {
  const found = `the end of the file${window.size === null ? "" : ` at byte ${window.size}`}`;
  return malformed(window, offset, found, `${groupDigits(needed)} more bytes (is the download complete?)`);
}
