import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { describeStart } from "../bytes/file-kind.ts";
import { openJson } from "../json/json-bytes.ts";
import { readHeaderJson } from "./header-json.ts";
import type { HeldNames } from "./name-lists.ts";
import { type TensorFile, tensorFile } from "./tensor-file.ts";

/** MAX_HEADER_SIZE of safetensors 0.8. */
const MAX_HEADER_BYTES: Bytes = 100_000_000;
/** Enough for the length and for the message about a file of another kind. */
export const FIRST_READ: Bytes = 4096;

/**
 * Reads the header of one safetensors file: 8 bytes of length, that much JSON, then the data.
 * Bytes of a tensor = product of its shape x bits of its dtype / 8. Checked as safetensors 0.8 does: that
 * equals the span it claims, spans follow each other without gap or overlap, and the last one ends with the
 * file. A name given twice, which safetensors lets pass, is an error.
 *
 * @throws malformed-file naming the tensor or the offset
 * @example F4 [256, 64]: 16,384 x 4 / 8 = 8,192 B
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<TensorFile> {
  return (await readNamedHeader(source, await source.read(0, FIRST_READ))).part;
}

/**
 * As `readSafetensorsHeader`, after the first piece was read; with the tensors' names, to look others up in.
 *
 * @param readJson `anyHeader` for that reader alone; the result is the same
 */
export async function readNamedHeader(
  source: ByteSource,
  first: Uint8Array,
  readJson = readHeaderJson,
): Promise<{ readonly part: TensorFile; readonly names: HeldNames }> {
  const { name } = source;
  const length = headerLength(source, first);
  let json = first.subarray(8, 8 + length);
  if (json.length < length) json = await source.read(8, length);
  if (json.length < length)
    throw malformed(
      name,
      "byte 8",
      `${json.length} bytes of header`,
      `${length} (is the download complete?)`,
    );
  const dataOffset = 8 + length;
  const opened = openJson(name, json, 8);
  const { names, count, rows, metadata, totalBytes } = readJson(opened, dataOffset);
  const { size } = source;
  if (size !== null && size !== dataOffset + totalBytes)
    throw malformed(
      name,
      undefined,
      `${groupDigits(size)} bytes`,
      `${groupDigits(dataOffset + totalBytes)}, as its header says (is the download complete?)`,
    );
  const files = [{ name, bytes: size, tensors: count, dataOffset }];
  return { part: tensorFile(rows, { metadata, totalBytes, files, notes: [] }), names };
}

function malformed(file: string, where: string | undefined, found: string, expected: string): VramCalcError {
  const details = { file, found, expected };
  return new VramCalcError("malformed-file", where === undefined ? details : { ...details, where });
}

function headerLength(source: ByteSource, first: Uint8Array): Bytes {
  const expected = "a safetensors file";
  if (first.length < 8)
    throw malformed(source.name, undefined, `${first.length} bytes`, `${expected}, which has 10 or more`);
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  const kind = length > MAX_HEADER_BYTES ? describeStart(first) : null;
  if (kind !== null) throw malformed(source.name, undefined, kind, expected);
  const limit = source.size === null ? MAX_HEADER_BYTES : Math.min(MAX_HEADER_BYTES, source.size - 8);
  if (length > limit)
    throw malformed(
      source.name,
      "byte 0",
      `a header of ${length} bytes`,
      `at most ${limit}, ${limit === MAX_HEADER_BYTES ? "the limit of the format" : "the rest of the file"}`,
    );
  return Number(length);
}
