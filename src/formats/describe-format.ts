import type { Bytes } from "../units.ts";
import { bitsPerValue } from "./block.ts";
import { BLOCK_LAYOUTS, type BlockLayout, codeBookOf } from "./block-layouts.ts";
import { integerRange } from "./codec.ts";
import { overflowThreshold } from "./float-codec.ts";
import { codeBits, type FloatFacts, floatFacts, hasInfinity, hasNegativeZero } from "./float-facts.ts";
import { aliasesOf, formatByName } from "./format-names.ts";
import { formatIdOfGgml, GGML_TYPES } from "./ggml-types.ts";
import {
  CODE_BOOKS,
  type CodeBook,
  FLOAT_FORMATS,
  type FloatFormat,
  INTEGER_FORMATS,
  type IntegerFormat,
  type Specials,
} from "./number-formats.ts";
import { conventionalOverflow, type Overflow } from "./overflow.ts";
import { STORAGE_FORMATS } from "./storage-formats.ts";

/** What every description has: plain data that survives JSON. */
interface Common {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly bitsPerValue: number;
  /** `elements: null` is once per tensor. */
  readonly parts: readonly { readonly elements: number | null; readonly bytes: Bytes }[];
  /** The number that a GGUF file carries, where there is one. */
  readonly ggmlId: number | null;
}

/** Counts as decimal text: those of fp64 are beyond 2^53. */
type Counts = { readonly [count in "finiteCodes" | "finiteValues" | "nanCodes"]: string };

export interface FloatDescription extends Common, Counts, Omit<FloatFacts, keyof Counts> {
  readonly kind: "float";
  readonly signBits: 0 | 1;
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  readonly specials: Specials;
  readonly significantBits: number;
  readonly storageBits: number;
  readonly infinity: boolean;
  readonly negativeZero: boolean;
  readonly overflow: Overflow;
  /** Values beyond this one overflow, and this one itself when `overflowInclusive`; null for fp64. */
  readonly overflowFrom: number | null;
  readonly overflowInclusive: boolean;
}

export interface IntegerDescription extends Common {
  readonly kind: "integer";
  readonly signed: boolean;
  readonly storageBits: number;
  /** Decimal text: the ends of int64 are beyond 2^53. */
  readonly lowest: string;
  readonly largest: string;
}

export interface BlockDescription extends Common {
  readonly kind: "block";
  readonly element: string;
  readonly scale: string;
  readonly blockElements: number;
  readonly blockBytes: Bytes;
  readonly fields: BlockLayout["fields"];
  readonly value: string;
  readonly beside: string | null;
  readonly codeBook: {
    readonly id: string;
    readonly name: string;
    readonly entries: readonly number[];
  } | null;
}

export type FormatDescription = FloatDescription | IntegerDescription | BlockDescription;

const GGML_IDS: ReadonlyMap<string, number> = new Map(
  GGML_TYPES.map((type) => [formatIdOfGgml(type.name), type.id]),
);

/**
 * Everything known of a format, as plain data.
 *
 * @throws unknown-name
 * @example describeFormat("half").largest // 65504, of a FloatDescription
 */
export function describeFormat(name: string): FormatDescription {
  const format = formatByName(name);
  const { id } = format;
  const common = {
    id,
    aliases: aliasesOf(id),
    bitsPerValue: bitsPerValue(format),
    parts: format.parts.map((part) => ({
      elements: Number.isFinite(part.elements) ? part.elements : null,
      bytes: part.bytes,
    })),
    ggmlId: GGML_IDS.get(id) ?? null,
  };
  const float = FLOAT_FORMATS.get(id);
  if (float !== undefined) return { ...common, ...floatDescription(float) };
  const integer = INTEGER_FORMATS.get(id);
  if (integer !== undefined) return { ...common, ...integerDescription(integer) };
  return { ...common, ...blockDescription(BLOCK_LAYOUTS.get(id)!) };
}

/**
 * Every format, in the order of the tables: floats, integers, blocks.
 *
 * @example describeAllFormats()[0].id // "fp64"
 */
export const describeAllFormats = (): readonly FormatDescription[] =>
  [...STORAGE_FORMATS.keys()].map(describeFormat);

type Own<D extends Common> = Omit<D, Exclude<keyof Common, "name" | "id">>;

function floatDescription(f: FloatFormat): Own<FloatDescription> {
  const facts = floatFacts(f);
  const threshold = overflowThreshold(f);
  return {
    kind: "float",
    id: f.id,
    name: f.name,
    signBits: f.signBits,
    exponentBits: f.exponentBits,
    fractionBits: f.fractionBits,
    bias: f.bias,
    specials: f.specials,
    significantBits: codeBits(f),
    storageBits: f.storageBits,
    largest: facts.largest,
    lowest: facts.lowest,
    smallestNormal: facts.smallestNormal,
    smallestSubnormal: facts.smallestSubnormal,
    epsilon: facts.epsilon,
    minExponent: facts.minExponent,
    maxExponent: facts.maxExponent,
    digits10: facts.digits10,
    maxDigits10: facts.maxDigits10,
    finiteCodes: String(facts.finiteCodes),
    finiteValues: String(facts.finiteValues),
    nanCodes: String(facts.nanCodes),
    infinity: hasInfinity(f),
    negativeZero: hasNegativeZero(f),
    overflow: conventionalOverflow(f),
    overflowFrom: Number.isFinite(threshold.value) ? threshold.value : null,
    overflowInclusive: threshold.inclusive,
  };
}

function integerDescription(format: IntegerFormat): Own<IntegerDescription> {
  const [lowest, largest] = integerRange(format);
  const { id, name, signed, storageBits } = format;
  return { kind: "integer", id, name, signed, storageBits, lowest: String(lowest), largest: String(largest) };
}

function blockDescription(layout: BlockLayout): Own<BlockDescription> {
  const { id, name, element, scale, blockElements, fields, value, beside } = layout;
  const book = bookOf(layout);
  return {
    kind: "block",
    id,
    name,
    element,
    scale,
    blockElements,
    blockBytes: fields.reduce((sum, field) => sum + field.bytes, 0),
    fields,
    value,
    beside: beside ?? null,
    codeBook: book === undefined ? null : { id: book.id, name: book.name, entries: book.entries },
  };
}

function bookOf(layout: BlockLayout): CodeBook | undefined {
  const id = codeBookOf(layout);
  return id === undefined ? undefined : CODE_BOOKS.get(id);
}
