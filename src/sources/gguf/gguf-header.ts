import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import {
  type ByteWindow,
  demand,
  lacks,
  malformed,
  positionOf,
  type WindowParser,
  walkFile,
} from "../bytes/byte-window.ts";
import { describeStart } from "../bytes/file-kind.ts";
import type { GgufFile, GgufTensor } from "./gguf-file.ts";
import { demandRoom, readMetadata } from "./gguf-metadata.ts";
import {
  countWidth,
  type GgufDialect,
  type GgufReading,
  readCount,
  readName,
  readUint32,
  readUint64,
  startReading,
} from "./gguf-reading.ts";
import { checkLayout } from "./tensor-layout.ts";
import { tensorTypeOf } from "./tensor-type.ts";

/** Real headers are 1 to 60 MB: a vocabulary and its merges. */
const MAX_HEADER_BYTES: Bytes = 2 ** 28;
/** The most tensors that one model may claim; real ones have a few thousand. */
export const MAX_TENSORS = 2 ** 18;
/** GGML_MAX_DIMS. */
const MAX_DIMENSIONS = 4;
const DEFAULT_ALIGNMENT: Bytes = 32;
/** Magic, version and two counts. */
const HEAD_BYTES: Bytes = 24;

/**
 * Reads the header of one GGUF file, versions 1 to 3, either byte order. Of a split model this is one part:
 * `readGguf` joins them.
 *
 * Bytes of a tensor = elements / block elements x block bytes, and its rows are whole blocks. Checked
 * besides: every read lies inside the file, names are unique, types are known, tensor data is aligned,
 * inside the file and does not overlap. Gaps between tensors are allowed.
 * Source: docs/gguf.md and src/gguf.cpp of ggml d99724f.
 *
 * @throws malformed-file naming the offset or the tensor
 * @example 256 x 320 values in Q4_K: 81,920 / 256 x 144 B = 46,080 B
 */
export function readGgufHeader(source: ByteSource): Promise<GgufFile> {
  return walkFile(source, MAX_HEADER_BYTES, parseHeader);
}

function* parseHeader(window: ByteWindow): WindowParser<GgufFile> {
  const dialect = yield* readDialect(window);
  const reading = startReading(window, dialect);
  const tensorCount = readCount(reading, "a number of tensors of");
  const keyCount = readCount(reading, "a number of keys of");
  const metadata = yield* readMetadata(reading, keyCount);
  const alignment = alignmentOf(window, metadata);
  const tensors = yield* readTensors(reading, tensorCount);

  if (window.size === null) {
    // A skip may have gone past the end of a file of unknown size: ask for the last byte of the header.
    window.at -= 1;
    yield 1;
    demand(window, 1);
  }
  const dataOffset = Math.ceil(positionOf(window) / alignment) * alignment;
  checkLayout(window, tensors, { dataOffset, alignment });
  let tensorBytes = 0;
  for (const tensor of tensors) {
    tensor.offset += dataOffset;
    tensorBytes += tensor.bytes;
  }

  const tokens = metadata.get("tokenizer.ggml.tokens");
  return {
    ...dialect,
    alignment,
    metadata,
    vocabularyTokens: typeof tokens === "object" && tokens !== null ? tokens.count : null,
    tensors,
    tensorBytes,
    dataOffset,
    fileBytes: window.size,
    files: [{ name: window.name, bytes: window.size, tensors: tensors.length, dataOffset }],
  };
}

/** Magic and version. The version's own byte order is that of the file. */
function* readDialect(window: ByteWindow): WindowParser<GgufDialect> {
  if (lacks(window, HEAD_BYTES)) yield HEAD_BYTES;
  const magic = window.bytes.subarray(0, 4);
  if (magic.toString("latin1") !== "GGUF") {
    const found =
      magic.length === 0
        ? "an empty file"
        : (describeStart(window.bytes) ?? `the bytes ${magic.toString("hex")}`);
    throw malformed(window, 0, found, '"GGUF", the start of a GGUF file');
  }
  demand(window, 8);
  const little = window.view.getUint32(4, true);
  const littleEndian = (little & 0xffff) !== 0;
  const version = window.view.getUint32(4, littleEndian);
  if (version < 1 || version > 3) throw malformed(window, 4, `GGUF version ${version}`, "version 1, 2 or 3");
  return { version, littleEndian };
}

function alignmentOf(window: ByteWindow, metadata: ReadonlyMap<string, unknown>): Bytes {
  const alignment = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === "number" && alignment <= 2 ** 31 && alignment >= 1) {
    if (Number.isInteger(Math.log2(alignment))) return alignment;
  }
  throw malformed(window, positionOf(window), `general.alignment ${String(alignment)}`, "a power of two");
}

/** Offsets count from the data section until that is known. */
type TensorDraft = { -readonly [K in keyof GgufTensor]: GgufTensor[K] };

function* readTensors(reading: GgufReading, count: number): WindowParser<TensorDraft[]> {
  const { window } = reading;
  // A name of at least one byte, a number of dimensions, a type and an offset.
  const eachBytes = countWidth(reading) + 17;
  demandRoom(window, { what: "tensors", count, eachBytes, most: MAX_TENSORS });
  const names = new Set<string>();
  const tensors: TensorDraft[] = [];
  for (let i = 0; i < count; i++) {
    const offset = positionOf(window);
    const tensor = yield* readTensor(reading);
    if (names.has(tensor.name))
      throw malformed(window, offset, `tensor "${tensor.name}" again`, "each tensor once");
    names.add(tensor.name);
    tensors.push(tensor);
  }
  return tensors;
}

function* readTensor(reading: GgufReading): WindowParser<TensorDraft> {
  const { window } = reading;
  const start = positionOf(window);
  const name = yield* readName(reading, "tensor");
  const refuse = (found: string, expected: string) =>
    malformed(window, start, `${found} in tensor "${name}"`, expected);
  const dimensions = readUint32(reading);
  if (dimensions > MAX_DIMENSIONS)
    throw refuse(`${groupDigits(dimensions)} dimensions`, `at most ${MAX_DIMENSIONS}`);
  const shape: number[] = [];
  let elements = 1;
  for (let i = 0; i < dimensions; i++) {
    const length = readCount(reading, `in tensor "${name}" a dimension of`);
    shape.push(length);
    elements *= length;
  }
  const typeId = readUint32(reading);
  const type = tensorTypeOf(typeId);
  if (typeof type === "string") throw refuse(type, "a tensor type of GGML");
  const [rowLength = 1] = shape;
  if (rowLength % type.blockElements !== 0)
    throw refuse(
      `rows of ${rowLength} values`,
      `a multiple of ${type.blockElements}, the block of ${type.name}`,
    );
  const bytes = (elements / type.blockElements) * type.blockBytes;
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(bytes))
    throw refuse(`the shape ${shape.join(" x ")}`, "fewer than 2^53 values and bytes");
  const offset = readUint64(reading, `in tensor "${name}" an offset of`);
  const rowMajorShape = [...shape].reverse();
  return { name, type, shape, rowMajorShape, elements, bytes, file: window.name, offset };
}
