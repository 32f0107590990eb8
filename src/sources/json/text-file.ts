import { Buffer } from "node:buffer";
import { closeSync } from "node:fs";
import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import { openRegularFile, readFully, unreadable } from "../bytes/file-source.ts";

/**
 * The text of a small UTF-8 file, for `parseJson`. A longer file is refused before it is read.
 *
 * @throws unreadable-path when the path is absent, closed to this user or not a regular file
 * @throws malformed-file when the file is longer than `maxBytes` or is not UTF-8
 */
export async function readBoundedTextFile(path: string, maxBytes: Bytes): Promise<string> {
  const { fd, size } = openRegularFile(path);
  try {
    if (size > maxBytes) throw tooLong(path, size, maxBytes);
    // A file may lie about its size, as those of /proc do: there is room for one byte too many.
    const room = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(size, 65_536)) + 1);
    const bytes = readFully(fd, room, 0);
    if (bytes.length === room.length) throw tooLong(path, bytes.length, bytes.length - 1);
    return decodeText(bytes, path);
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    closeSync(fd);
  }
}

function tooLong(file: string, bytes: Bytes, maxBytes: Bytes): VramCalcError {
  const found = `${groupDigits(bytes)} bytes`;
  return new VramCalcError("malformed-file", { file, found, expected: `at most ${groupDigits(maxBytes)}` });
}

/**
 * UTF-8 text, a leading byte order mark removed.
 *
 * @throws malformed-file for anything else, naming UTF-16 where it is that
 */
export function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const mark = bytes.subarray(0, 2).join();
    const found = mark === "255,254" || mark === "254,255" ? "UTF-16 text" : "bytes that are not text";
    throw new VramCalcError("malformed-file", { file, found, expected: "UTF-8 text" }, { cause });
  }
}
