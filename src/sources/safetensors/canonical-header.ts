import { Buffer } from "node:buffer";
import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { JsonBytes } from "../json/json-bytes.ts";
import {
  addSpan,
  allNames,
  labelAt,
  mayHoldSpans,
  type NameTable,
  noSpans,
  setLabel,
  sharedBytes,
  tableOf,
  viewOf,
  withoutRoom,
} from "./name-spans.ts";
import type { StoredTensor } from "./tensor-file.ts";

/**
 * The tensors of a header in columns: a million rows with their names cost more than all that is checked of
 * them. They follow each other in the file, so their lengths say where each is. */
export interface CanonicalHeader {
  /** Each labelled with the number of its kind. */
  readonly names: NameTable;
  readonly kinds: readonly TensorKind[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly totalBytes: Bytes;
}

/** What all tensors of one dtype and shape share. */
interface TensorKind {
  readonly tensor: StoredTensor;
  /** The bytes between a name and its offsets: `":{"dtype":"BF16","shape":[4,2],"data_offsets":[`. */
  readonly template: DataView;
}

/** Readers of the members that are not in the common form: an entry, `__metadata__`. */
export interface MemberReaders {
  readonly tensor: (json: JsonBytes, name: string) => StoredTensor;
  readonly metadata: (json: JsonBytes) => Map<string, string>;
}

export interface HeaderLimits {
  readonly tensors: number;
  readonly nameLength: number;
  readonly namesLength: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
const METADATA = viewOf(Buffer.from("__metadata__"));
const METADATA_START = viewOf(Buffer.from('{"__metadata__":'));
/** A name of 45 characters, `":{"dtype":"BF16","shape":[4096,4096],"data_offsets":[` and two offsets. */
const USUAL_ENTRY_BYTES = 120;
/** Kinds that a tensor is compared with, latest first. */
const RECENT_KINDS = 6;

/**
 * Reads a header as the safetensors library writes it: no white space but at the end, `__metadata__` first,
 * every entry with dtype, shape and data_offsets in this order, and tensors listed as they lie, the first at
 * 0. Of a tensor like one before it, only name and offsets are read.
 *
 * Null for anything else, right or wrong: the caller then reads the header member by member, and finds the
 * place and the words for what is wrong. What comes back has passed every check of that reader.
 */
export function readCanonicalHeader(
  json: JsonBytes,
  read: MemberReaders,
  limits: HeaderLimits,
): CanonicalHeader | null {
  const { bytes } = json;
  if (!mayHoldSpans(bytes)) return null;
  const view = viewOf(bytes);
  const spans = noSpans(view, USUAL_ENTRY_BYTES, limits.tensors);
  const kinds: TensorKind[] = [];
  let recent: number[] = [];
  let namesLength = 0;
  let end = 0;
  let at = 1;
  let metadata: Map<string, string> | null = new Map();
  if (startsWith(view, 0, METADATA_START)) {
    json.at = METADATA_START.byteLength;
    metadata = orNull(() => read.metadata(json));
    if (metadata === null || bytes[json.at] !== COMMA) return null;
    at = json.at + 1;
  } else if (bytes[0] !== OPEN_BRACE) return null;

  for (;;) {
    if (bytes[at] !== QUOTE) return null;
    const quote = addSpan(spans, at + 1);
    if (quote === -1) return null;
    const nameLength = quote - at - 1;
    namesLength += nameLength;
    if (nameLength > limits.nameLength || namesLength > limits.namesLength) return null;
    if (nameLength === METADATA.byteLength && startsWith(view, at + 1, METADATA)) return null;

    let kind = recent[0];
    if (kind === undefined || !startsWith(view, quote, kinds[kind]!.template)) {
      kind = recent.find((k) => startsWith(view, quote, kinds[k]!.template));
      if (kind === undefined) {
        const name = bytes.toString("latin1", at + 1, quote);
        const found = newKind(json, quote, () => read.tensor(json, name));
        if (found === null) return null;
        kind = kinds.push(found) - 1;
      }
      recent = [kind, ...recent.filter((k) => k !== kind)].slice(0, RECENT_KINDS);
    }
    setLabel(spans, spans.count - 1, kind);
    const { template, tensor } = kinds[kind]!;

    at = afterCount(bytes, quote + template.byteLength, end);
    if (bytes[at] !== COMMA) return null;
    end += tensor.bytes;
    at = afterCount(bytes, at + 1, end);
    if (bytes[at] !== CLOSE_BRACKET || bytes[at + 1] !== CLOSE_BRACE) return null;
    at += 3;
    if (bytes[at - 1] === COMMA) continue;
    if (bytes[at - 1] !== CLOSE_BRACE) return null;
    break;
  }
  for (; at < bytes.length; at++) if (bytes[at] !== SPACE) return null;
  const names = tableOf(withoutRoom(spans));
  return names && { names, kinds, metadata, totalBytes: end };
}

const startsWith = (view: DataView, at: number, text: DataView): boolean =>
  sharedBytes(view, at, text, 0, text.byteLength) === text.byteLength;

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof VramCalcError) return null;
    throw error;
  }
}

/** The kind of the entry behind the quote, or null where it is wrong or written in another way. */
function newKind(json: JsonBytes, quote: number, read: () => StoredTensor): TensorKind | null {
  json.at = quote + 2;
  const tensor = json.bytes[quote + 1] === COLON ? orNull(read) : null;
  if (tensor === null) return null;
  const { dtype, shape } = tensor;
  const text = `":{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[`;
  const template = viewOf(Buffer.from(text));
  return startsWith(viewOf(json.bytes), quote, template) ? { tensor, template } : null;
}

/** Behind the digits at `start`, if they are those of `value` as JSON writes it; -1 otherwise. */
function afterCount(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let read = 0;
  for (let c = bytes[at]!; c >= 0x30 && c <= 0x39; c = bytes[++at]!) read = read * 10 + (c - 0x30);
  const leadingZero = at - start > 1 && bytes[start] === 0x30;
  return read === value && at > start && !leadingZero && read <= Number.MAX_SAFE_INTEGER ? at : -1;
}

/** The tensors as the other reader gives them. */
export function canonicalTensors(header: CanonicalHeader, dataOffset: Bytes): StoredTensor[] {
  const { spans } = header.names;
  let offset = dataOffset;
  return allNames(spans).map((name, index) => {
    const { dtype, shape, elements, bytes, file } = header.kinds[labelAt(spans, index)]!.tensor;
    const tensor = { name, dtype, shape, elements, bytes, file, offset };
    offset += bytes;
    return tensor;
  });
}
