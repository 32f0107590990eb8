import { Buffer } from "node:buffer";
import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "./byte-source.ts";

/** The piece of a file that a parser walks over. */
export interface ByteWindow {
  readonly name: string;
  /** The whole file's length; null while unknown. */
  size: Bytes | null;
  bytes: Buffer;
  view: DataView;
  /** Where in the file `bytes` begins. */
  start: Bytes;
  /** The next unread byte, an index into `bytes`. A parser that skips may set it past their end. */
  at: number;
  /** Nothing follows `bytes` in the file. */
  ended: boolean;
}

/**
 * A parser that runs synchronously while the window lasts and, when `lacks` says so, yields how many bytes
 * at `window.at` it wants in it. It gets fewer where the file ends; `demand` then refuses them.
 * An asynchronous call per value would cost a thousand times more.
 */
export type WindowParser<T> = Generator<Bytes, T, void>;

/** Small enough to stay in the processor's cache between being read and being walked over. */
const PIECE: Bytes = 2 ** 18;

/**
 * Runs a parser over the head of a file. The window slides: what was read is dropped, so memory is bounded
 * by the largest single wish (at least 256 KiB), not by the length of the header.
 *
 * @param maxBytes where a header ends at the latest
 * @throws malformed-file when the header goes on beyond `maxBytes`
 */
export async function walkFile<T>(
  source: ByteSource,
  maxBytes: Bytes,
  parse: (window: ByteWindow) => WindowParser<T>,
): Promise<T> {
  const empty = Buffer.alloc(0);
  const window: ByteWindow = {
    name: source.name,
    size: source.size,
    bytes: empty,
    view: new DataView(empty.buffer, 0, 0),
    start: 0,
    at: 0,
    ended: false,
  };
  const parser = parse(window);
  for (;;) {
    const step = parser.next();
    if (step.done === true) return step.value;
    const offset = positionOf(window);
    if (offset + step.value > maxBytes)
      throw malformed(window, offset, "a header that goes on", `at most ${groupDigits(maxBytes)} bytes`);
    // The few bytes of a started value are read again: cheaper than joining pieces.
    const wanted = Math.max(step.value, PIECE);
    const bytes = await source.read(offset, wanted, window.bytes);
    window.size = source.size;
    window.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    window.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    window.start = offset;
    window.at = 0;
    window.ended = bytes.length < wanted || offset + bytes.length === window.size;
  }
}

/** The offset in the file of the next unread byte. */
export function positionOf(window: ByteWindow): Bytes {
  return window.start + window.at;
}

/** True when `count` bytes should be asked for with a yield: they are not in the window and may follow it. */
export function lacks(window: ByteWindow, count: Bytes): boolean {
  return window.at + count > window.bytes.length && !window.ended;
}

/** Where the next `count` bytes begin in the window, which moves past them. */
export function demand(window: ByteWindow, count: Bytes): number {
  const at = window.at;
  if (at + count > window.bytes.length) throw cutShort(window, positionOf(window), count);
  window.at = at + count;
  return at;
}

/** Moves on without reading, never past the end of a file whose size is known. */
export function skip(window: ByteWindow, count: Bytes): void {
  const offset = positionOf(window);
  if (window.size !== null && offset + count > window.size) throw cutShort(window, offset, count);
  window.at += count;
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

function cutShort(window: ByteWindow, offset: Bytes, needed: Bytes): VramCalcError<"malformed-file"> {
  const found = `the end of the file${window.size === null ? "" : ` at byte ${window.size}`}`;
  return malformed(window, offset, found, `${groupDigits(needed)} more bytes (is the download complete?)`);
}
