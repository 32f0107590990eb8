import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import {
  endJson,
  enterArray,
  enterObject,
  type JsonBytes,
  nextElement,
  nextKey,
  readCount,
  readString,
  unexpected,
} from "../json/json-bytes.ts";
import { canonicalTensors, readCanonicalHeader } from "./canonical-header.ts";
import { isSafetensorsDtype, SAFETENSORS_DTYPE_BITS, type SafetensorsDtype } from "./dtypes.ts";
import type { HeldNames } from "./name-lists.ts";
import type { StoredTensor } from "./tensor-file.ts";

/** Shards of the largest models hold a few thousand. */
const MAX_TENSORS = 250_000;
/** No tensor library has more dimensions (numpy: 64). */
const MAX_DIMENSIONS = 64;
const MAX_NAME_LENGTH = 4096;
/** All names of a file together: 128 characters for each of the most tensors. */
const MAX_NAMES_LENGTH = 2 ** 25;
/** Longer texts in `__metadata__` are training logs. */
const KEPT_TEXT_LENGTH = 2 ** 16;
const KEPT_TEXTS_LENGTH = 2 ** 20;

/** What the JSON of one header says. */
export interface HeaderJson {
  readonly names: HeldNames;
  readonly count: number;
  readonly rows: () => readonly StoredTensor[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly totalBytes: Bytes;
}

/** Reads a header in the quickest way for it. `json` is where it begins. */
export function readHeaderJson(json: JsonBytes, dataOffset: Bytes): HeaderJson {
  const start = json.at;
  const header = canonicalHeader(json, dataOffset);
  if (header !== null) return header;
  json.at = start;
  return anyHeader(json, dataOffset);
}

/** Reads the usual header, or null where it is another; what comes back is what `anyHeader` gives. */
export function canonicalHeader(json: JsonBytes, dataOffset: Bytes): HeaderJson | null {
  const header = readCanonicalHeader(
    json,
    { tensor: (at, name) => readTensor(at, name, dataOffset), metadata: readTexts },
    { tensors: MAX_TENSORS, nameLength: MAX_NAME_LENGTH, namesLength: MAX_NAMES_LENGTH },
  );
  if (header === null) return null;
  const { names, metadata, totalBytes } = header;
  const rows = () => canonicalTensors(header, dataOffset);
  return { names, count: names.spans.count, rows, metadata, totalBytes };
}

/** Reads a header member by member, however it is written. */
export function anyHeader(json: JsonBytes, dataOffset: Bytes): HeaderJson {
  const { tensors, names, metadata } = parseHeader(json, dataOffset);
  const totalBytes = checkSpans(json.file, tensors, dataOffset);
  return { names, count: tensors.length, rows: () => tensors, metadata, totalBytes };
}

function parseHeader(
  json: JsonBytes,
  dataOffset: Bytes,
): { tensors: StoredTensor[]; names: Set<string>; metadata: ReadonlyMap<string, string> } {
  const tensors: StoredTensor[] = [];
  const names = new Set<string>();
  let metadata: Map<string, string> | undefined;
  let namesLength = 0;
  enterObject(json);
  for (let index = 0; ; index++) {
    const start = json.at;
    const name = nextKey(json, index);
    if (name === null) break;
    if (name === "__metadata__") {
      if (metadata !== undefined) throw unexpected(json, start, "one", "a second __metadata__");
      metadata = readTexts(json);
      continue;
    }
    if (name.length > MAX_NAME_LENGTH)
      throw unexpected(json, start, `at most ${MAX_NAME_LENGTH}`, `a name of ${name.length} characters`);
    namesLength += name.length;
    if (namesLength > MAX_NAMES_LENGTH)
      throw unexpected(json, start, `at most ${MAX_NAMES_LENGTH} characters of them`, "longer names");
    if (tensors.length === MAX_TENSORS)
      throw unexpected(json, start, `at most ${MAX_TENSORS}`, "more tensors");
    tensors.push(readTensor(json, name, dataOffset));
    // A set that did not grow held the name already: one look-up instead of two.
    if (names.add(name).size < tensors.length)
      throw unexpected(json, start, "each tensor once", `tensor "${name}" again`);
  }
  endJson(json);
  return { tensors, names, metadata: metadata ?? new Map() };
}

function readTexts(json: JsonBytes): Map<string, string> {
  const texts = new Map<string, string>();
  let kept = 0;
  enterObject(json);
  for (let index = 0; ; index++) {
    const key = nextKey(json, index);
    if (key === null) return texts;
    const text = readString(json);
    const length = key.length + text.length;
    if (length > KEPT_TEXT_LENGTH || kept + length > KEPT_TEXTS_LENGTH) continue;
    kept += length;
    texts.set(key, text);
  }
}

function readTensor(json: JsonBytes, name: string, dataOffset: Bytes): StoredTensor {
  const start = json.at;
  const expected = 'an entry {"dtype", "shape", "data_offsets"}, each once';
  let dtype: SafetensorsDtype | undefined;
  let shape: readonly number[] | undefined;
  let span: readonly [Bytes, Bytes] | undefined;
  enterObject(json);
  for (let index = 0; ; index++) {
    const key = nextKey(json, index);
    if (key === null) break;
    if (key === "dtype" && dtype === undefined) dtype = readDtype(json, name);
    else if (key === "shape" && shape === undefined) shape = readShape(json, name);
    else if (key === "data_offsets" && span === undefined) span = readSpan(json);
    else throw unexpected(json, start, expected, `the key "${key}" in tensor "${name}"`);
  }
  if (dtype === undefined || shape === undefined || span === undefined)
    throw unexpected(json, start, expected, `an incomplete entry for tensor "${name}"`);

  let elements = 1;
  for (const length of shape) elements *= length;
  const bits = elements * SAFETENSORS_DTYPE_BITS[dtype];
  const bytes = span[1] - span[0];
  if (!Number.isSafeInteger(bits) || bits !== 8 * bytes)
    throw new VramCalcError("malformed-file", {
      file: json.file,
      where: `tensor "${name}"`,
      found: `a span of ${groupDigits(bytes)} bytes`,
      expected: `${bits / 8} for ${dtype} [${shape.join(", ")}]`,
    });
  return { name, dtype, shape, elements, bytes, file: json.file, offset: dataOffset + span[0] };
}

function readDtype(json: JsonBytes, name: string): SafetensorsDtype {
  const start = json.at;
  const dtype = readString(json);
  if (isSafetensorsDtype(dtype)) return dtype;
  const known = `one of ${Object.keys(SAFETENSORS_DTYPE_BITS).join(", ")}`;
  throw unexpected(json, start, known, `dtype "${dtype.slice(0, 40)}" in tensor "${name}"`);
}

/** Shapes read last. A million experts share three, which saves a tenth of a gigabyte. */
const RECENT_SHAPES: (readonly number[])[] = [];

function readShape(json: JsonBytes, name: string): readonly number[] {
  const shape: number[] = [];
  enterArray(json);
  while (nextElement(json, shape.length)) {
    if (shape.length === MAX_DIMENSIONS)
      throw unexpected(json, json.at, `at most ${MAX_DIMENSIONS}`, `more dimensions in tensor "${name}"`);
    shape.push(readCount(json));
  }
  for (const recent of RECENT_SHAPES) if (sameShape(recent, shape)) return recent;
  RECENT_SHAPES.unshift(Object.freeze(shape));
  if (RECENT_SHAPES.length > 8) RECENT_SHAPES.pop();
  return shape;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function readSpan(json: JsonBytes): readonly [Bytes, Bytes] {
  const start = json.at;
  enterArray(json);
  const span = [
    nextElement(json, 0) ? readCount(json) : -1,
    nextElement(json, 1) ? readCount(json) : -1,
  ] as const;
  if (span[0] < 0 || span[1] < span[0] || nextElement(json, 2))
    throw unexpected(json, start, "[begin, end]", "data_offsets of another form");
  return span;
}

/** The length of the data section, every byte of which belongs to one tensor. */
function checkSpans(file: string, tensors: readonly StoredTensor[], dataOffset: Bytes): Bytes {
  let end = dataOffset;
  for (const tensor of inFileOrder(tensors)) {
    if (tensor.offset !== end)
      throw new VramCalcError("malformed-file", {
        file,
        where: `tensor "${tensor.name}"`,
        found: `data at byte ${tensor.offset}`,
        expected: `byte ${end}, where the one before ends`,
      });
    end += tensor.bytes;
  }
  return end - dataOffset;
}

/** Writers list tensors as they lie, so sorting is rare. An empty one shares its offset and comes first. */
function inFileOrder(tensors: readonly StoredTensor[]): readonly StoredTensor[] {
  const sorted = tensors.every((tensor, i) => i === 0 || endOf(tensors[i - 1]!) <= tensor.offset);
  return sorted ? tensors : [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
}

const endOf = (tensor: StoredTensor): Bytes => tensor.offset + tensor.bytes;
