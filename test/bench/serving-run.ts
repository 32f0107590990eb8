/** Rows of the serving readings, run under their engines: what each storage name stands for, and the terms. */
import type { Architecture } from "../../src/architecture/model.ts";
import type { CacheFormat } from "../../src/engines/cache-format.ts";
import type { EngineCard } from "../../src/engines/engine.ts";
import { engineCard } from "../../src/engines/engine-card.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { formatByName } from "../../src/formats/format-names.ts";
import { acceleratorByName } from "../../src/hardware/lookup.ts";
import type { Term } from "../../src/memory/term.ts";
import { schemeStorage } from "../../src/quantization/assignment.ts";
import type { Encoding } from "../../src/quantization/encoding.ts";
import {
  awq,
  bitsAndBytes4,
  byteWeights,
  gptq,
  LLM_INT8,
  MXFP4,
  packed,
} from "../../src/quantization/linear-encodings.ts";
import { isBlockLinear, isLinear } from "../../src/quantization/linears.ts";
import type { Place } from "../../src/quantization/scheme.ts";
import { uniformStorage, type WeightStorage } from "../../src/quantization/storage.ts";
import { cacheFormatOf, type MeasuredRow, modelOf } from "../engines/measured-rows.ts";
import type { Score } from "./figure.ts";

export const GIB = 2 ** 30;
export const MIB = 2 ** 20;

export type Judged = Score | { readonly id: string; readonly reason: string };

export const leave = (row: MeasuredRow, reason: string): Judged => ({ id: row.id, reason });

export interface Stored {
  readonly storage: WeightStorage;
  /** Bytes of one value of the compute format. */
  readonly bytes: number;
}

const plain = (format: string, bytes: number): Stored => ({
  storage: uniformStorage(formatByName(format)),
  bytes,
});
/** A recipe over the linears of the text blocks; everything else stays bf16. */
const recipe = (id: string, encoding: Encoding, reaches: (place: Place) => boolean): Stored => ({
  storage: schemeStorage({
    id,
    basis: "exact",
    layered: false,
    begin: () => (place) => (reaches(place) ? encoding : null),
  }),
  bytes: 2,
});

/** What the rows' storage names mean; recipes by other names are left out. */
const STORAGES: { readonly [name: string]: Stored } = {
  bf16: plain("bf16", 2),
  fp16: plain("fp16", 2),
  fp32: plain("fp32", 4),
  float32: plain("fp32", 4),
  fp8: recipe("fp8", byteWeights("fp8", "channel", { scaleBytes: 4 }), isBlockLinear),
  // Qwen's own: a scale for each block of 128 x 128.
  "fp8-blocks": recipe(
    "fp8-blocks",
    byteWeights("fp8", { rows: 128, columns: 128 }, { scaleBytes: 4 }),
    isBlockLinear,
  ),
  "runtime fp8": recipe("fp8-online", byteWeights("fp8", "tensor", { scaleBytes: 4 }), isBlockLinear),
  w8a8: recipe("w8a8", byteWeights("int8", "channel", { scaleBytes: 4 }), isBlockLinear),
  awq: recipe("awq", awq({ bits: 4, group: 128 }), isBlockLinear),
  w4a16: recipe("w4a16", packed({ bits: 4, group: 128 }), isBlockLinear),
  // Qwen's own files: auto-gptq 0.4 adds biases of zeros.
  "gptq-int4": recipe("gptq-int4", gptq({ bits: 4, group: 128, zeroBias: true }), isBlockLinear),
  "gptq-int8": recipe("gptq-int8", gptq({ bits: 8, group: 128, zeroBias: true }), isBlockLinear),
  // litgpt swaps torch.nn.Linear for a quantized class while it builds the model, the head included.
  "bnb.nf4": recipe("bnb.nf4", bitsAndBytes4("nf4", false), isLinear),
  "bnb.nf4-dq": recipe("bnb.nf4-dq", bitsAndBytes4("nf4", true), isLinear),
  "bnb.fp4": recipe("bnb.fp4", bitsAndBytes4("bnb_fp4", false), isLinear),
  "bnb.fp4-dq": recipe("bnb.fp4-dq", bitsAndBytes4("bnb_fp4", true), isLinear),
  "bnb.int8": recipe("bnb.int8", LLM_INT8, isLinear),
  mxfp4: recipe("mxfp4", MXFP4, ({ tensor }) => tensor.kind === "expert"),
};

export const cardOf = ({ card }: Pick<MeasuredRow, "card">): EngineCard | undefined =>
  card === undefined ? undefined : engineCard(acceleratorByName(card));

/** What a row's storage name means; undefined for a recipe that is not stated. */
export const storedAs = (storage: string | undefined): Stored | undefined =>
  STORAGES[storage === undefined ? "" : storage];

export interface Run {
  readonly model: Architecture;
  readonly bytes: number;
  readonly result: ReturnType<typeof serveOn>;
  readonly stored: Stored;
  readonly weights: (device: number) => number;
}

/** A row under its engine, or why it cannot be. */
export function run(row: MeasuredRow, options: { readonly anyStorage?: boolean } = {}): Run | string {
  const model = modelOf(row);
  if (typeof model === "string") return model;
  const stored = STORAGES[row.storage ?? ""];
  if (stored === undefined && options.anyStorage !== true)
    return `weights stored as ${row.storage ?? "unknown"}: the recipe is not stated`;
  const { storage, bytes } = stored ?? STORAGES.bf16!;
  const card = cardOf(row);
  const { tp = 1, pp = 1, contextTokens = 4096, sequences = 1, cache } = row.flags;
  const { promptTokens = row.engine === "vllm" ? contextTokens : 1 } = row.flags;
  const kvFormat = bytes === 4 && (cache === undefined || cache === "auto") ? "fp32" : cache;
  const result = serveOn(row.engine === "vllm" ? "vllm" : "transformers", {
    model,
    storage,
    format: kvFormat === "int8" ? QWEN_INT8_CACHE : cacheFormatOf(kvFormat),
    contextTokens,
    sequences,
    promptTokens,
    computeBytes: bytes,
    degrees: { tp, pp, ep: 1, dp: 1 },
    ...(card === undefined ? {} : { card }),
    ...(row.version === undefined ? {} : { version: row.version }),
    ...(row.flags.gpuMemoryUtilization === undefined
      ? {}
      : { gpuMemoryUtilization: row.flags.gpuMemoryUtilization }),
    ...(row.flags.maxNumSeqs === undefined ? {} : { maxNumSeqs: row.flags.maxNumSeqs }),
    ...(row.flags.maxBatchedTokens === undefined ? {} : { maxBatchedTokens: row.flags.maxBatchedTokens }),
    ...(row.flags.flashinferSampler === undefined ? {} : { flashinferSampler: row.flags.flashinferSampler }),
  });
  return {
    model,
    bytes,
    result,
    stored: { storage, bytes },
    weights: (device) => storage.bytesOf(result.devices[device]!.held),
  };
}

/** Qwen-1's `use_cache_quantization`: uint8 codes, a scale and a zero point in 16 bits per head and position. */
const QWEN_INT8_CACHE: CacheFormat = {
  id: "qwen-int8",
  keyBytesPerVector: (width) => width + 4,
  valueBytesPerVector: (width) => width + 4,
};

export const term = (terms: readonly Term[], id: string): number =>
  terms.find((t) => t.id === id)?.bytes ?? 0;
export const input = (terms: readonly Term[], id: string, name: string): number => {
  const value = terms.find((t) => t.id === id)?.inputs[name];
  if (value === undefined) throw new Error(`no term ${id} with the number ${name}`);
  return value;
};
