import type { Bytes } from "../../units.ts";
import {
  type ByteWindow,
  demand,
  lacks,
  malformed,
  positionOf,
  skip,
  type WindowParser,
} from "../bytes/byte-window.ts";

/** How the file at hand writes its numbers. */
export interface GgufDialect {
  readonly version: number;
  readonly littleEndian: boolean;
}

/** What one header may make us keep. A thousand tensors and a chat template are 0.1 MiB. */
const KEPT_BYTES: Bytes = 2 ** 25;

/** A header being read: the window, the dialect and what is kept of it so far. */
export interface GgufReading extends GgufDialect {
  readonly window: ByteWindow;
  keptBytes: Bytes;
}

/** A reading that has kept nothing yet. */
export function startReading(window: ByteWindow, dialect: GgufDialect): GgufReading {
  return { window, version: dialect.version, littleEndian: dialect.littleEndian, keptBytes: 0 };
}

/** Counts what is about to be kept against the allowance. */
export function keep(reading: GgufReading, bytes: Bytes): void {
  const { window } = reading;
  reading.keptBytes += bytes;
  if (reading.keptBytes > KEPT_BYTES)
    throw malformed(
      window,
      positionOf(window),
      "more names and texts",
      `at most ${KEPT_BYTES / 2 ** 20} MiB of them`,
    );
}

/** Width of a count or a length: 4 bytes in version 1, 8 since. */
export function countWidth(reading: GgufReading): Bytes {
  return reading.version === 1 ? 4 : 8;
}

/** A 32-bit number in the file's byte order. */
export function readUint32(reading: GgufReading): number {
  const { window, littleEndian } = reading;
  return window.view.getUint32(demand(window, 4), littleEndian);
}

/** A 64-bit number that counts or locates something, so it must be a safe integer. */
export function readUint64(reading: GgufReading, what: string): number {
  const { window, littleEndian } = reading;
  const at = demand(window, 8);
  const low = window.view.getUint32(littleEndian ? at : at + 4, littleEndian);
  const high = window.view.getUint32(littleEndian ? at + 4 : at, littleEndian);
  // The product would turn every position that follows into a floating-point number.
  const value = high === 0 ? low : high * 2 ** 32 + low;
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  const exact = window.view.getBigUint64(at, littleEndian);
  throw malformed(window, window.start + at, `${what} ${exact}`, "a number below 2^53");
}

/** A count or a length, as wide as the version writes it. */
export function readCount(reading: GgufReading, what: string): number {
  return reading.version === 1 ? readUint32(reading) : readUint64(reading, what);
}

/** Everything of a key or tensor but its name and its value, and a usual name besides. */
const USUAL_ENTRY: Bytes = 512;

/**
 * The name of a key or a tensor, 1 to 65,535 bytes, as the format demands of keys. What is not UTF-8 becomes
 * replacement characters, as in every reader of this format. The window then holds the 64 bytes after it.
 */
export function* readName(reading: GgufReading, what: "key" | "tensor"): WindowParser<string> {
  const { window } = reading;
  if (lacks(window, USUAL_ENTRY)) yield USUAL_ENTRY;
  const offset = positionOf(window);
  const length = readCount(reading, `a ${what} name of length`);
  if (length < 1 || length > 65_535)
    throw malformed(window, offset, `a ${what} name of ${length} bytes`, "1 to 65,535");
  keep(reading, length);
  if (lacks(window, length + 64)) yield length + 64;
  const at = demand(window, length);
  return window.bytes.toString("utf8", at, at + length);
}

/** A string value, or null when it is longer than `keepBytes` and was skipped. */
export function* readText(reading: GgufReading, keepBytes: Bytes): WindowParser<string | null> {
  const { window } = reading;
  const length = readCount(reading, "a string of length");
  if (length > keepBytes) {
    skip(window, length);
    return null;
  }
  keep(reading, length);
  if (lacks(window, length)) yield length;
  const at = demand(window, length);
  return window.bytes.toString("utf8", at, at + length);
}

/** Moves past `count` strings without building any. */
export function* skipTexts(reading: GgufReading, count: number): WindowParser<void> {
  const { window, littleEndian } = reading;
  const width = countWidth(reading);
  for (let left = count; left > 0; ) {
    if (lacks(window, width)) yield width;
    const { view, at } = window;
    const run = width === 8 && littleEndian ? passTexts(view, at, left) : passRareTexts(reading, left);
    left -= run.passed;
    // The last one may end outside the window, or outside the file.
    window.at = run.lastAt;
    skip(window, run.end - run.lastAt);
    // Nothing passed: the length itself is cut, or no length at all.
    if (run.passed === 0) {
      const found = `a string of ${view.getBigUint64(demand(window, width), littleEndian)} bytes`;
      throw malformed(window, window.start + at, found, "fewer than 4 GiB");
    }
  }
}

/** Strings passed: where the last of them begins, where it ends, and how many. */
interface TextRun {
  readonly lastAt: number;
  readonly end: number;
  readonly passed: number;
}

/**
 * Passes at most `most` strings from `at`. This loop is the cost of a header: a vocabulary and its merges are
 * half a million strings of seven bytes. It keeps to 32-bit integers and a fixed byte order, which makes it
 * three times faster.
 */
function passTexts(view: DataView, at: number, most: number): TextRun {
  const last = view.byteLength - 8;
  let end = at | 0;
  let lastAt = end;
  let passed = 0;
  while (passed < most && end <= last && view.getUint32(end + 4, true) === 0) {
    lastAt = end;
    end += 8 + view.getUint32(end, true);
    passed++;
  }
  return { lastAt, end, passed };
}

/** The same for big-endian files and for version 1. */
function passRareTexts(reading: GgufReading, most: number): TextRun {
  const { littleEndian } = reading;
  const { view, at } = reading.window;
  const width = countWidth(reading);
  const last = view.byteLength - width;
  let lastAt = at;
  let end = at;
  let passed = 0;
  while (passed < most && end <= last) {
    const length =
      width === 4 ? view.getUint32(end, littleEndian) : Number(view.getBigUint64(end, littleEndian));
    if (length >= 2 ** 32) break;
    lastAt = end;
    end += width + length;
    passed++;
  }
  return { lastAt, end, passed };
}
