import {
  type ByteWindow,
  demand,
  lacks,
  malformed,
  positionOf,
  skip,
  type WindowParser,
} from "../bytes/byte-window.ts";
import { GGUF_VALUE_TYPES, type GgufArray, type GgufValue, type GgufValueType } from "./gguf-file.ts";
import {
  countWidth,
  type GgufReading,
  keep,
  readCount,
  readName,
  readText,
  readUint32,
  skipTexts,
} from "./gguf-reading.ts";

/** Real files carry 20 to 80 keys. */
const MAX_KEYS = 2 ** 16;
/** Longer arrays are vocabularies: counted, not built. */
const KEPT_ELEMENTS = 4096;
/** Longer strings are embedded tokenizer files. */
const KEPT_TEXT_BYTES = 2 ** 20;
const MAX_NESTING = 4;
/** What an array inside an array counts against the allowance; no known model has one. */
const INNER_ARRAY_BYTES = 256;
/** Element type and count. */
const ARRAY_HEAD_BYTES = 12;

/** Bytes of one value; null where it depends on the value. */
const WIDTHS: { readonly [T in GgufValueType]: number | null } = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  string: null,
  array: null,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/**
 * Reads `keys` pairs of key and value.
 *
 * @throws malformed-file for a key given twice, an unknown value type or a value that leaves the file
 */
export function* readMetadata(reading: GgufReading, keys: number): WindowParser<Map<string, GgufValue>> {
  const { window } = reading;
  // A pair is a name of at least one byte, a type and a value of at least one byte.
  demandRoom(window, {
    what: "keys",
    count: keys,
    eachBytes: countWidth(reading) + 6,
    most: MAX_KEYS,
  });
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keys; i++) {
    const offset = positionOf(window);
    const key = yield* readName(reading, "key");
    if (metadata.has(key)) throw malformed(window, offset, `the key "${key}" again`, "each key once");
    const type = readValueType(reading);
    metadata.set(key, yield* readValue(reading, type));
  }
  return metadata;
}

/** Refuses a claimed count that the rest of the file cannot hold, before anything is built. */
export function demandRoom(
  window: ByteWindow,
  claim: { readonly what: string; readonly count: number; readonly eachBytes: number; readonly most: number },
): void {
  const { what, count, eachBytes, most } = claim;
  const offset = positionOf(window);
  const room = window.size === null ? most : Math.floor((window.size - offset) / eachBytes);
  if (count > Math.min(most, room))
    throw malformed(
      window,
      offset,
      `a claim of ${count} ${what}`,
      room < most ? `at most the ${Math.max(0, room)} that the rest of the file can hold` : `at most ${most}`,
    );
}

function readValueType(reading: GgufReading): GgufValueType {
  const id = readUint32(reading);
  const type = GGUF_VALUE_TYPES[id];
  if (type === undefined)
    throw malformed(reading.window, positionOf(reading.window) - 4, `value type ${id}`, "0 to 12");
  return type;
}

function* readValue(reading: GgufReading, type: GgufValueType): WindowParser<GgufValue> {
  if (type === "string") return yield* readText(reading, KEPT_TEXT_BYTES);
  if (type === "array") return yield* readArray(reading, 1);
  return scalarAt(reading, type, demand(reading.window, WIDTHS[type]!));
}

function scalarAt(
  reading: GgufReading,
  type: Exclude<GgufValueType, "string" | "array">,
  at: number,
): number | bigint | boolean {
  const { window, littleEndian } = reading;
  const { view } = window;
  switch (type) {
    case "uint8":
      return view.getUint8(at);
    case "int8":
      return view.getInt8(at);
    case "uint16":
      return view.getUint16(at, littleEndian);
    case "int16":
      return view.getInt16(at, littleEndian);
    case "uint32":
      return view.getUint32(at, littleEndian);
    case "int32":
      return view.getInt32(at, littleEndian);
    case "float32":
      return view.getFloat32(at, littleEndian);
    case "float64":
      return view.getFloat64(at, littleEndian);
    case "uint64":
      return numberWhereSafe(view.getBigUint64(at, littleEndian));
    case "int64":
      return numberWhereSafe(view.getBigInt64(at, littleEndian));
    case "bool": {
      const byte = view.getUint8(at);
      if (byte > 1) throw malformed(window, window.start + at, `${byte} as a boolean`, "0 or 1");
      return byte === 1;
    }
  }
}

const numberWhereSafe = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

function* readArray(reading: GgufReading, depth: number): WindowParser<GgufArray> {
  const { window } = reading;
  if (lacks(window, ARRAY_HEAD_BYTES)) yield ARRAY_HEAD_BYTES;
  const elementType = readValueType(reading);
  const offset = positionOf(window);
  const count = readCount(reading, "an array of length");
  if (elementType === "array") {
    if (depth === MAX_NESTING)
      throw malformed(window, offset, "a deeper array", `at most ${MAX_NESTING} levels of nesting`);
    for (let i = 0; i < count; i++) {
      keep(reading, INNER_ARRAY_BYTES);
      yield* readArray(reading, depth + 1);
    }
    return { elementType, count };
  }
  if (elementType === "string") {
    const eachBytes = countWidth(reading);
    demandRoom(window, { what: "strings", count, eachBytes, most: Number.MAX_SAFE_INTEGER });
    yield* skipTexts(reading, count);
    return { elementType, count };
  }
  const width = WIDTHS[elementType]!;
  if (count > KEPT_ELEMENTS || depth > 1) {
    skip(window, count * width);
    return { elementType, count };
  }
  keep(reading, 8 * count);
  if (lacks(window, count * width)) yield count * width;
  const values: (number | bigint | boolean)[] = [];
  const start = demand(window, count * width);
  for (let i = 0; i < count; i++) values.push(scalarAt(reading, elementType, start + i * width));
  if (values.some((value) => typeof value === "bigint")) return { elementType, count };
  return { elementType, count, values: values as number[] | boolean[] };
}
