import type { Bytes } from "../../units.ts";
import {
  type ByteWindow,
  cutShort,
  lacks,
  malformed,
  positionOf,
  type WindowParser,
} from "../bytes/byte-window.ts";

/** How the file at hand writes its numbers. */
export interface GgufDialect {
  readonly version: number;
  readonly littleEndian: boolean;
}

/** What one header may make us keep. A thousand tensors and a chat template are 0.1 MiB. */
const KEPT_BYTES: Bytes = 2 ** 25;

/** Not strict, as no reader of this format is: bytes that are not UTF-8 become replacement characters. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** A header being read: the window, the dialect and what is kept of it so far. */
export interface GgufReading {
  readonly window: ByteWindow;
  readonly dialect: GgufDialect;
  keptBytes: Bytes;
}

export function startReading(window: ByteWindow, dialect: GgufDialect): GgufReading {
  return { window, dialect, keptBytes: 0 };
}

/** Counts what is about to be kept against the allowance. */
export function keep(reading: GgufReading, bytes: Bytes): void {
  reading.keptBytes += bytes;
  if (reading.keptBytes > KEPT_BYTES)
    throw malformed(
      reading.window,
      positionOf(reading.window),
      "more names and texts",
      `at most ${KEPT_BYTES / 2 ** 20} MiB of them`,
    );
}

/** Width of a count or a length: 4 bytes in version 1, 8 since. */
export function countWidth(dialect: GgufDialect): Bytes {
  return dialect.version === 1 ? 4 : 8;
}

export function* readUint32(reading: GgufReading): WindowParser<number> {
  const { window, dialect } = reading;
  if (lacks(window, 4)) yield 4;
  const value = window.view.getUint32(window.at, dialect.littleEndian);
  window.at += 4;
  return value;
}

/** A 64-bit number that counts or locates something, so it must be a safe integer. */
export function* readUint64(reading: GgufReading, what: string): WindowParser<number> {
  const { window, dialect } = reading;
  if (lacks(window, 8)) yield 8;
  const value = window.view.getBigUint64(window.at, dialect.littleEndian);
  if (value > Number.MAX_SAFE_INTEGER)
    throw malformed(window, positionOf(window), `${what} ${value}`, "a number below 2^53");
  window.at += 8;
  return Number(value);
}

/** A count or a length, as wide as the version writes it. */
export function readCount(reading: GgufReading, what: string): WindowParser<number> {
  return countWidth(reading.dialect) === 4 ? readUint32(reading) : readUint64(reading, what);
}

/**
 * A string, or null when it is longer than `keepBytes` and was skipped.
 */
export function* readText(reading: GgufReading, what: string, keepBytes: Bytes): WindowParser<string | null> {
  const { window } = reading;
  const length = yield* readCount(reading, `${what} of length`);
  if (length > keepBytes) {
    skipBytes(window, length);
    return null;
  }
  keep(reading, length);
  if (lacks(window, length)) yield length;
  const text = DECODER.decode(window.bytes.subarray(window.at, window.at + length));
  window.at += length;
  return text;
}

/** The name of a key or a tensor: 1 to 65,535 bytes, as the format demands of keys. */
export function* readName(reading: GgufReading, what: string): WindowParser<string> {
  const offset = positionOf(reading.window);
  const name = yield* readText(reading, `${what} name`, 65_535);
  if (name === null || name === "")
    throw malformed(
      reading.window,
      offset,
      `${name === null ? "an overlong" : "an empty"} ${what} name`,
      "1 to 65,535 bytes",
    );
  return name;
}

/** Moves on without reading, never past the end of a file whose size is known. */
export function skipBytes(window: ByteWindow, count: Bytes): void {
  const offset = positionOf(window);
  if (window.size !== null && offset + count > window.size) throw cutShort(window, offset, count);
  window.at += count;
}

/**
 * Moves past `count` strings without building any. This loop is the cost of a header: a vocabulary and its
 * merges are half a million strings of seven bytes.
 */
export function* skipTexts(reading: GgufReading, count: number): WindowParser<void> {
  const { window, dialect } = reading;
  const { littleEndian } = dialect;
  const width = countWidth(dialect);
  const lowWord = width === 8 && !littleEndian ? 4 : 0;
  const highWord = 4 - lowWord;
  for (let left = count; left > 0; ) {
    if (lacks(window, width)) yield width;
    const { view } = window;
    const last = view.byteLength - width;
    let at = window.at;
    let previous = at;
    while (left > 0 && at <= last) {
      if (width === 8 && view.getUint32(at + highWord, littleEndian) !== 0) {
        const length = view.getBigUint64(at, littleEndian);
        throw malformed(window, window.start + at, `a string of ${length} bytes`, "fewer than 4 GiB");
      }
      previous = at;
      at += width + view.getUint32(at + lowWord, littleEndian);
      left--;
    }
    window.at = previous;
    skipBytes(window, at - previous);
  }
}
