import { VramCalcError } from "../errors.ts";
import { BLOCK_LAYOUTS, type BlockLayout } from "./block-layouts.ts";
import { decode, encode, numberFormat } from "./codec.ts";
import { floatFacts } from "./float-facts.ts";
import { findFormatId, unknownFormat } from "./format-names.ts";
import { CODE_BOOKS, FLOAT_FORMATS, INTEGER_FORMATS, type NumberFormat } from "./number-formats.ts";

/** One block after quantization. */
export interface RoundedBlock {
  /** What every code of the block is multiplied by, the scale of the tensor included. */
  readonly scale: number;
  readonly codes: readonly number[];
  /** The values that are read back. */
  readonly values: readonly number[];
}

/** Values after a round trip through a block format. */
export interface BlockRounding {
  readonly format: string;
  readonly blocks: readonly RoundedBlock[];
  readonly values: readonly number[];
}

type Quantize = (values: readonly number[], layout: BlockLayout) => readonly RoundedBlock[];

const amaxOf = (values: readonly number[]): number =>
  values.reduce((amax, x) => Math.max(amax, Math.abs(x)), 0);

function* chunks(values: readonly number[], size: number): Generator<readonly number[]> {
  for (let at = 0; at < values.length; at += size) yield values.slice(at, at + size);
}

/** Codes of x / scale and the values they read back as. A scale of 0 is a block of zeros. */
function scaled(element: NumberFormat, values: readonly number[], scale: number): RoundedBlock {
  const codes = values.map((x) => encode(element, scale === 0 ? 0 : x / scale, "saturate"));
  return { scale, codes: codes.map(Number), values: codes.map((code) => scale * decode(element, code)) };
}

/** OCP Microscaling v1.0, 6.3: the scale is 2^(floor(log2 amax) - largest exponent of the element). */
const mx: Quantize = (values, layout) => {
  const element = FLOAT_FORMATS.get(layout.element) ?? INTEGER_FORMATS.get(layout.element)!;
  const top = element.kind === "float" ? floatFacts(element).maxExponent : 0;
  return [...chunks(values, layout.blockElements)].map((block) => {
    const amax = amaxOf(block);
    let exponent = amax === 0 ? -127 : Math.floor(Math.log2(amax));
    if (2 ** exponent > amax) exponent--;
    else if (2 ** (exponent + 1) <= amax) exponent++;
    return scaled(element, block, 2 ** Math.min(127, Math.max(-127, exponent - top)));
  });
};

/** Two levels: fp32 for the tensor, amax / (6 x 448), and e4m3 for each 16 values, amax / 6. */
const nvfp4: Quantize = (values, layout) => {
  const element = numberFormat("fp4_e2m1");
  const scale = numberFormat("fp8_e4m3fn");
  const tensorScale = Math.fround(amaxOf(values) / (6 * 448));
  return [...chunks(values, layout.blockElements)].map((block) => {
    const wanted = tensorScale === 0 ? 0 : amaxOf(block) / 6 / tensorScale;
    return scaled(element, block, tensorScale * decode(scale, encode(scale, wanted, "saturate")));
  });
};

/** bitsandbytes kernels.cu: nearest entry of x x (1 / absmax), in fp32. */
const codeBook =
  (id: string): Quantize =>
  (values, layout) => {
    const book = CODE_BOOKS.get(id)!;
    return [...chunks(values, layout.blockElements)].map((block) => {
      const absmax = Math.fround(amaxOf(block));
      const inverse = absmax === 0 ? 0 : Math.fround(1 / absmax);
      const codes = block.map((x) => Number(encode(book, Math.fround(Math.fround(x) * inverse), "saturate")));
      return { scale: absmax, codes, values: codes.map((code) => Math.fround(book.entries[code]! * absmax)) };
    });
  };

/** Halves away from zero; no -0, which integers do not have. */
const roundAwayFromZero = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5) + 0;

/** ggml-quants.c quantize_row_q8_0_ref: fp32 arithmetic with d = amax / 127, stored as fp16. */
const q8: Quantize = (values, layout) =>
  [...chunks(values, layout.blockElements)].map((block) => {
    const d = Math.fround(amaxOf(block.map(Math.fround)) / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    const codes = block.map((x) => roundAwayFromZero(Math.fround(Math.fround(x) * inverse)));
    return integers(codes, d);
  });

/** ggml-quants.c quantize_row_q4_0_ref: the value of largest magnitude, sign included, becomes code 0, -8. */
const q4: Quantize = (values, layout) =>
  [...chunks(values, layout.blockElements)].map((block) => {
    const extreme = block.map(Math.fround).reduce((max, x) => (Math.abs(x) > Math.abs(max) ? x : max), 0);
    const d = Math.fround(extreme / -8);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    const codes = block.map((x) => {
      const shifted = Math.fround(Math.fround(Math.fround(x) * inverse) + 8.5);
      return Math.min(15, Math.trunc(shifted)) - 8;
    });
    return integers(codes, d);
  });

function integers(codes: readonly number[], d: number): RoundedBlock {
  const fp16 = numberFormat("fp16");
  const scale = decode(fp16, encode(fp16, d));
  return { scale, codes, values: codes.map((code) => Math.fround(scale * code)) };
}

const QUANTIZERS: ReadonlyMap<string, Quantize> = new Map([
  ["mxfp8_e4m3", mx],
  ["mxfp8_e5m2", mx],
  ["mxfp6_e3m2", mx],
  ["mxfp6_e2m3", mx],
  ["mxfp4", mx],
  ["mxint8", mx],
  ["nvfp4", nvfp4],
  ["nf4", codeBook("nf4")],
  ["bnb_fp4", codeBook("bnb_fp4")],
  ["q8_0", q8],
  ["q4_0", q4],
]);

/** Formats that `roundBlocks` knows: those whose rounding is a rule and not a search. */
export const ROUNDABLE_BLOCKS: readonly string[] = [...QUANTIZERS.keys()];

/**
 * Quantizes values block by block, the last block as short as it comes, and reads them back.
 *
 * @param values numbers whose fp32 is finite
 * @throws unknown-name, or bad-option for a format that is fitted by a search (k-quants, i-quants), no format
 * of blocks, or a value that is not finite in fp32
 * @example roundBlocks("mxfp4", [1, 2.4, 6]).values // [1, 2, 6], one scale of 2^0
 */
export function roundBlocks(name: string, values: readonly number[]): BlockRounding {
  const id = findFormatId(name);
  if (id === undefined) throw unknownFormat(name);
  const quantize = QUANTIZERS.get(id);
  if (quantize === undefined)
    throw new VramCalcError("bad-option", {
      option: "format",
      given: id,
      expected: `one whose blocks are rounded by a rule: ${ROUNDABLE_BLOCKS.join(", ")}`,
    });
  const odd = values.find((x) => !Number.isFinite(Math.fround(x)));
  if (odd !== undefined)
    throw new VramCalcError("bad-option", {
      option: "value",
      given: String(odd),
      expected: "numbers that fp32 holds: one that is not finite spoils its whole block",
    });
  const blocks = quantize(values, BLOCK_LAYOUTS.get(id)!);
  return { format: id, blocks, values: blocks.flatMap((block) => block.values) };
}
