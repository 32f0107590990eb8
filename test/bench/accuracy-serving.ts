/**
 * Scores serving estimates against readings of real runs: node .config/run.mjs test/bench/accuracy-serving.ts
 * With --rows it lists every row with its error. Nothing here is tuned row by row; a miss is printed as a miss.
 */
import type { Architecture } from "../../src/architecture/model.ts";
import type { CacheFormat } from "../../src/engines/cache-format.ts";
import type { EngineCard } from "../../src/engines/engine.ts";
import { llamaCppCacheBytes } from "../../src/engines/llama-cpp/cache.ts";
import { computeBufferBytes } from "../../src/engines/llama-cpp/compute-buffer.ts";
import { type CopiedWeights, copiedWeights } from "../../src/engines/llama-cpp/copied-weights.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { blockPool } from "../../src/engines/vllm/block-pool.ts";
import { pageLayout } from "../../src/engines/vllm/page-layout.ts";
import { formatByName } from "../../src/formats/format-names.ts";
import { acceleratorByName } from "../../src/hardware/lookup.ts";
import { sumTerms, type Term } from "../../src/memory/term.ts";
import { deviceShares } from "../../src/parallelism/share.ts";
import { schemeStorage } from "../../src/quantization/assignment.ts";
import type { Encoding } from "../../src/quantization/encoding.ts";
import {
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
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { cacheFormatOf, MEASURED, type MeasuredRow, modelOf } from "../engines/measured-rows.ts";
import { errorOf, type Figure, figureLines, figureOf, type Score } from "./figure.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

type Judged = Score | { readonly id: string; readonly reason: string };

interface Bar {
  readonly title: string;
  /** Largest median and 90th percentile of |error|, in percent. */
  readonly median: number;
  readonly p90: number;
  readonly underShare?: number;
  readonly judge: (row: MeasuredRow) => Judged | null;
}

const leave = (row: MeasuredRow, reason: string): Judged => ({ id: row.id, reason });

interface Stored {
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
  "runtime fp8": recipe("fp8-online", byteWeights("fp8", "tensor", { scaleBytes: 4 }), isBlockLinear),
  w8a8: recipe("w8a8", byteWeights("int8", "channel", { scaleBytes: 4 }), isBlockLinear),
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

function cardOf(row: MeasuredRow): EngineCard | undefined {
  if (row.card === undefined) return undefined;
  const { usableBytes, generation } = acceleratorByName(row.card);
  return { totalBytes: usableBytes, generation };
}

interface Run {
  readonly model: Architecture;
  readonly bytes: number;
  readonly result: ReturnType<typeof serveOn>;
  readonly stored: Stored;
  readonly weights: (device: number) => number;
}

/** A row under its engine, or why it cannot be. */
function run(row: MeasuredRow, options: { readonly anyStorage?: boolean } = {}): Run | string {
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

const term = (terms: readonly Term[], id: string): number => terms.find((t) => t.id === id)?.bytes ?? 0;
const input = (terms: readonly Term[], id: string, name: string): number =>
  terms.find((t) => t.id === id)?.inputs[name] ?? 0;

const isVllm = (row: MeasuredRow): boolean => row.engine === "vllm";
const isCpp = (row: MeasuredRow): boolean => row.engine === "llama.cpp";

/** Bytes that a rank's pool could hold at least, to tell readings that contradict themselves. */
function fromOwnNumbers(row: MeasuredRow): Judged | null {
  if (!isVllm(row) || row.measured.kvGiB === undefined || row.measured.kvTokens === undefined) return null;
  const model = modelOf(row);
  if (typeof model === "string") return leave(row, model);
  if (row.note?.includes("speculative")) return leave(row, row.note);
  const { tp = 1, pp = 1, contextTokens = 8192, cache } = row.flags;
  if (row.id.startsWith("vllm-21348"))
    return leave(row, "which layers and formats were cached is not stated");
  const shares = deviceShares(model, { tp, pp, ep: 1, dp: 1 });
  const wide = row.storage === "float32" && (cache === undefined || cache === "auto");
  const format = cacheFormatOf(wide ? "fp32" : cache);
  if (pp > 1)
    return leave(row, "the log shows the first stage's GiB, the pool is cut to the poorest stage's");
  const layout = pageLayout(shares[0]!.share, { format, stateBytes: 2 })!;
  const recent = row.version === undefined && /qwen3\.6|Qwen3\.6/i.test(row.model);
  const pool = blockPool(layout, {
    bytes: row.measured.kvGiB * GIB,
    contextTokens,
    batchedTokens: 8192,
    report: recent ? "by-concurrency" : "per-group",
  });
  return { id: row.id, predicted: pool.tokens, measured: row.measured.kvTokens };
}

function vllmTerm(
  row: MeasuredRow,
  measured: number | undefined,
  predict: (terms: readonly Term[]) => number,
): Judged | null {
  if (!isVllm(row) || measured === undefined) return null;
  if (row.version === undefined) return leave(row, "engine version not stated");
  const ran = run(row, { anyStorage: true });
  if (typeof ran === "string") return leave(row, ran);
  if (measured <= 0) return leave(row, "a negative reading: memory was given back between the two looks");
  return { id: row.id, predicted: predict(ran.result.devices[0]!.terms), measured: measured * GIB };
}

const BARS: readonly Bar[] = [
  {
    title: "weights (vLLM)",
    median: 0.5,
    p90: 2,
    judge: (row) => {
      if (!isVllm(row) || row.measured.weightsGiB === undefined) return null;
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      if (row.config?.endsWith("-text")) return leave(row, "the tower's weights are in the reading");
      const rotary = input(ran.result.devices[0]!.terms, "workspace", "rotary");
      const rounding = term(ran.result.devices[0]!.terms, "allocator");
      return {
        id: row.id,
        predicted: ran.weights(0) + rotary + rounding,
        measured: row.measured.weightsGiB * GIB,
      };
    },
  },
  { title: "pool tokens from the log's own GiB (vLLM)", median: 0.1, p90: 0.1, judge: fromOwnNumbers },
  {
    title: "peak of the profile run (vLLM)",
    median: 10,
    p90: 25,
    judge: (row) => vllmTerm(row, row.measured.computeGiB, (t) => term(t, "activations") + term(t, "logits")),
  },
  {
    title: "memory outside torch (vLLM)",
    median: 15,
    p90: 60,
    judge: (row) => vllmTerm(row, row.measured.nonTorchGiB, (t) => input(t, "runtime", "nonTorch")),
  },
  {
    title: "CUDA graphs (vLLM)",
    median: 25,
    p90: 50,
    judge: (row) => vllmTerm(row, row.measured.graphsGiB, (t) => input(t, "workspace", "graphs")),
  },
  {
    title: "KV pool from model, card and flags (vLLM)",
    median: 2,
    p90: 6,
    judge: (row) => {
      if (!isVllm(row) || (row.measured.kvTokens ?? row.measured.kvGiB) === undefined) return null;
      if (row.version === undefined) return leave(row, "engine version not stated");
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      if (row.config?.endsWith("-text")) return leave(row, "the tower's weights are in the reading");
      const pool = ran.result.devices[0]!.pool;
      if (pool === undefined) return leave(row, "card not stated");
      return row.measured.kvTokens === undefined
        ? {
            id: row.id,
            predicted: pool.blocks * pool.bytesPerBlock,
            measured: row.measured.kvGiB! * GIB,
          }
        : { id: row.id, predicted: pool.tokens, measured: row.measured.kvTokens };
    },
  },
  {
    title: "total on the card (vLLM)",
    median: 3,
    p90: 8,
    underShare: 0.05,
    judge: (row) => {
      if (!isVllm(row) || row.measured.totalGiB === undefined) return null;
      if (row.version === undefined) return leave(row, "engine version not stated");
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      if (row.config?.endsWith("-text")) return leave(row, "the tower's weights are in the reading");
      const device = ran.result.devices[0]!;
      if (device.pool === undefined) return leave(row, "card not stated");
      // The reading leaves the driver's context out, and holds the whole pool, not one request.
      const rest = device.terms.filter((t) => t.id !== "kv-cache");
      const context = input(rest, "runtime", "context");
      const fixed = ran.weights(0) + device.pool.blocks * device.pool.bytesPerBlock - context;
      const band = sumTerms(rest);
      return {
        id: row.id,
        predicted: band.bytes + fixed,
        low: band.low + fixed,
        high: band.high + fixed,
        measured: row.measured.totalGiB * GIB,
      };
    },
  },
  {
    title: "KV buffers as printed (llama.cpp)",
    median: 0,
    p90: 0,
    judge: (row) => {
      if (!isCpp(row)) return null;
      const printed =
        row.measured.cacheMiB === undefined
          ? row.measured.kvGiB === undefined
            ? undefined
            : row.measured.kvGiB * 1024
          : Object.values(row.measured.cacheMiB).reduce((sum, mib) => sum + mib, 0);
      if (printed === undefined) return null;
      return cppCache(row, printed);
    },
  },
  {
    title: "compute buffer of the device with the head (llama.cpp)",
    median: 10,
    p90: 25,
    judge: cppCompute,
  },
  {
    title: "compute buffer of the GPU that works on weights of the CPU (llama.cpp)",
    median: 10,
    p90: 25,
    judge: cppCopied,
  },
  {
    title: "total of generate() (transformers)",
    median: 3,
    p90: 8,
    underShare: 0.05,
    judge: (row) => {
      if (row.engine !== "transformers" || row.measured.totalGiB === undefined) return null;
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      const device = ran.result.devices[0]!;
      // `max_memory_allocated` leaves the driver's context out.
      const seen =
        row.reading === "allocated" ? device.terms.filter((t) => t.id !== "runtime") : device.terms;
      const band = sumTerms(seen);
      const weights = ran.weights(0);
      // The page prints "GB"; decimal would be less than the weights alone.
      return {
        id: row.id,
        predicted: band.bytes + weights,
        low: band.low + weights,
        high: band.high + weights,
        measured: row.measured.totalGiB * GIB,
      };
    },
  },
  {
    title: "allocated after a short generation (litgpt)",
    median: 3,
    p90: 8,
    underShare: 0.05,
    judge: (row) => {
      if (row.engine !== "litgpt" || row.measured.totalGiB === undefined) return null;
      const ran = run(row);
      if (typeof ran === "string") return leave(row, ran);
      return { id: row.id, predicted: litgptBytes(row, ran), measured: row.measured.totalGiB * GIB };
    },
  },
];

/**
 * litgpt's peak: weights, cache, logits, and what bitsandbytes needs for the widest matrix, here always the head:
 * 4 bits: the matrix unpacked to fp16 and cast to bf16, while the prompt is read (2 + 2 B an element; it quantizes
 * from fp16). int8: the fp16 original and two orders of codes, while it is quantized at load (2 + 1 + 1 B).
 * Several cards: blocks are divided, by layers or by tensor; embedding and head stay whole on the first.
 * Source: lightning `fabric/plugins/precision/bitsandbytes.py`, bitsandbytes 0.41 `autograd/_functions.py`,
 * litgpt `generate/sequentially.py` and `generate/tp.py`.
 */
function litgptBytes(row: MeasuredRow, { model, result, stored }: Run): number {
  const cards = Number(/-(?:sequential|tp)(\d+)$/.exec(row.id)?.[1] ?? 1);
  const { storage } = stored;
  // A stage in the middle of four has a quarter of the blocks and nothing else.
  const blocks = cards === 1 ? 0 : 4 * storage.bytesOf(deviceShares(model, SPLIT_IN_4)[1]!.share);
  const widest = row.storage?.startsWith("bnb.") === true ? model.vocabSize * model.hiddenSize * 4 : 0;
  const terms = result.devices[0]!.terms;
  const held = storage.bytesOf(model) - blocks * (1 - 1 / cards);
  return held + term(terms, "kv-cache") / cards + term(terms, "logits") + widest;
}

const SPLIT_IN_4 = { tp: 1, pp: 4, ep: 1, dp: 1 } as const;

function cppCache(row: MeasuredRow, printedMiB: number): Judged {
  const model = modelOf(row);
  if (typeof model === "string") return leave(row, model);
  const { kvTypes = {}, contextTokens, mla } = row.flags;
  if (contextTokens === undefined) return leave(row, "context not stated");
  if ("K^R" in kvTypes) return leave(row, "a fork's own split of the latent cache");
  const keys = kvTypes.K ?? kvTypes["c^KV"] ?? "f16";
  const values = kvTypes.V ?? kvTypes["kv^T"] ?? keys;
  const key = cacheFormatOf(keys);
  const value = cacheFormatOf(values);
  const latentCache =
    "kv^T" in kvTypes || row.flags.keyRow === 576
      ? "latent-and-values"
      : "c^KV" in kvTypes
        ? "latent"
        : "expanded";
  const ollama = row.engine === "ollama";
  const { kv } = llamaCppCacheBytes(model, {
    contextTokens,
    slots: 1,
    format: {
      id: `${keys},${values}`,
      keyBytesPerVector: key.keyBytesPerVector,
      valueBytesPerVector: value.valueBytesPerVector,
    },
    latentCache,
    // The fork keeps windows in full; builds of 2025 padded to 32 without flash attention.
    swaFull: row.fork !== undefined || ollama,
    padTokens: 32,
  });
  if (mla !== undefined && mla > 0 && !("c^KV" in kvTypes)) return leave(row, "cache lines incomplete");
  // Each of two printed parts is rounded to 0.01 MiB; equal to that is equal.
  const predicted = Math.abs(kv / MIB - printedMiB) <= 0.011 ? printedMiB : kv / MIB;
  return { id: row.id, predicted, measured: printedMiB };
}

function cppCompute(row: MeasuredRow): Judged | null {
  if (!isCpp(row)) return null;
  const model = modelOf(row);
  const { computeMiB, computeGiB } = row.measured;
  const { contextTokens, ubatchTokens = 512, flashAttention = true, mla = 0 } = row.flags;
  if ((computeMiB === undefined && computeGiB === undefined) || contextTokens === undefined) return null;
  if (typeof model === "string") return leave(row, model);
  if (mla > 0 || row.config?.startsWith("deepseek") || row.config?.startsWith("kimi"))
    return leave(row, "the fork's own attention over latents");
  if (partOnCpu(row))
    return leave(row, "layers and head on the CPU: scored by the buffer of the GPU that helps");
  const gpus = Object.keys(computeMiB ?? {}).filter((name) => /^CUDA\d/.test(name));
  const name = gpus[gpus.length - 1] ?? "CPU";
  const printed = computeMiB === undefined ? computeGiB! * 1024 : computeMiB[name];
  if (printed === undefined) return leave(row, "no buffer of the device with the head");
  const bytes = computeBufferBytes(model, {
    cells: contextTokens,
    ubatchTokens: Math.min(ubatchTokens, contextTokens),
    // A run that names no flag shows what it did: scores over 70,016 cells are 4376 MiB.
    flashAttention: row.id === "llamacpp-15009" ? false : flashAttention,
    output: true,
    pipelineDevices: row.flags.expertsOnCpu === true ? 1 : Math.max(1, gpus.length),
    halfMask: row.fork !== undefined,
    ...(gpus.length === 1 && row.flags.expertsOnCpu === true ? copiedIn(row, model) : {}),
  });
  return { id: row.id, predicted: bytes / MIB, measured: printed };
}

function partOnCpu(row: MeasuredRow): boolean {
  const [ngl, all] = (row.flags.offload ?? "").split("/").map(Number);
  return row.flags.offload !== undefined && ngl !== all;
}

/**
 * The weights that the GPU worked on with a copy, or nothing where the CPU did the work: repacked weights cannot be
 * copied, and no flag of a row says so, but the log does. The rows of a feed-forward lie in the host's buffer exactly
 * when the CPU computes them: experts * (2 widths + hidden) * micro-batch * 4 B.
 */
function copiedIn(
  row: MeasuredRow,
  model: Architecture,
): { readonly copied?: CopiedWeights & { readonly of: Architecture } } {
  const { ubatchTokens = 512, contextTokens = 512 } = row.flags;
  const rows = Math.min(ubatchTokens, contextTokens) * 4;
  const widths = model.stacks[0]!.kinds.map(({ feedForward: ffn }) =>
    ffn.kind === "experts"
      ? ffn.activeExperts * (2 * ffn.width + model.hiddenSize)
      : ffn.kind === "dense"
        ? 2 * ffn.width
        : 0,
  );
  const host = row.measured.computeMiB?.CUDA_Host;
  if (host === undefined || host * MIB >= rows * Math.max(...widths)) return {};
  const layers = model.stacks[0]!.counts.reduce((sum, n) => sum + n, 0);
  const nothing = row.flags.expertsOnCpu !== true;
  const copied = copiedWeights(model, {
    cpu: { firstLayer: 0, layers: nothing ? layers : 0, output: nothing },
    cut: layers,
    storage: fileStorage(row),
    ubatchTokens,
  });
  return copied === null ? {} : { copied: { ...copied, of: model } };
}

/** The recipe that the log names, or the average of its bits per weight. */
function fileStorage(row: MeasuredRow): WeightStorage {
  const [name = ""] = (row.storage ?? "").split(";");
  const sizes: { readonly [size: string]: string } = { Medium: "_m", Small: "_s", Large: "_l" };
  const id = name.replace(/ - (Medium|Small|Large)$/, (_, size: string) => sizes[size]!).toLowerCase();
  if (/^(bf16|q\d_(0|k(_[sml])?))$/.test(id)) return storageByName(id);
  const bits = Number(/\(([\d.]+) BPW\)/.exec(row.storage ?? "")?.[1]);
  return {
    id,
    basis: "modelled",
    bytesOf: (model) => Math.round((model.parameters.stored * bits) / 8),
  };
}

function cppCopied(row: MeasuredRow): Judged | null {
  const printed = row.measured.computeMiB?.CUDA0;
  const { contextTokens, ubatchTokens = 512, flashAttention = true, expertsOnCpu = false } = row.flags;
  if (!isCpp(row) || printed === undefined || contextTokens === undefined) return null;
  if (!partOnCpu(row) && !expertsOnCpu) return null;
  const model = modelOf(row);
  if (typeof model === "string") return leave(row, model);
  if ((row.flags.mla ?? 0) > 0 || row.config?.startsWith("deepseek") || row.config?.startsWith("kimi"))
    return leave(row, "the fork's own attention over latents");
  if (partOnCpu(row) && !row.flags.offload!.startsWith("0/"))
    return leave(row, "some layers on each of two GPUs and the CPU: which ones is not stated");
  const copies = copiedIn(row, model);
  if (copies.copied === undefined) return leave(row, "the CPU worked on its weights itself");
  const gpus = Object.keys(row.measured.computeMiB!).filter((name) => /^CUDA\d/.test(name));
  const none: Architecture = { ...model, stacks: [], tensors: [] };
  const bytes = computeBufferBytes(expertsOnCpu ? model : none, {
    ...copies,
    cells: contextTokens,
    ubatchTokens: Math.min(ubatchTokens, contextTokens),
    flashAttention,
    output: expertsOnCpu && gpus.length === 1,
    pipelineDevices: 1,
    halfMask: row.fork !== undefined,
  });
  return { id: row.id, predicted: bytes / MIB, measured: printed };
}

/** The scores of every bar, for the table and for the gate. */
export function servingFigures(): readonly Figure[] {
  const figures = BARS.map((bar) => figureOf({ title: bar.title, bar, ...scoresOf(bar) }));
  return [...figures, halvesFigure()];
}

/**
 * True for rows of the studies that vLLM's constants were read from: sampler bytes, memory outside torch, graphs,
 * context. Other engines' formulas hold no constant that was read from a row scored here.
 */
const inFamily = (id: string): boolean => /^(llmd-0(11|19)-|vllm-pr10511-|vllm-10517-)/.test(id);

/** A line on the rows that no constant came from. */
function heldOutLine(scores: readonly Score[]): readonly string[] {
  const held = scores.filter(({ id }) => !inFamily(id));
  if (held.length === 0 || held.length === scores.length) return [];
  const { median, p90, rows } = figureOf({ title: "", scores: held, leftOut: [] });
  const own = scores.length - rows;
  return [
    `       ${own} rows of the studies that constants came from; ${rows} held out: median ${median.toFixed(2)} %, p90 ${p90.toFixed(2)} %`,
  ];
}

/**
 * The pool of the 0.19 study with the two constants that decide it read again from one half of its models and scored
 * on the other: bytes of the sampler per vocabulary entry and sequence, and GiB outside torch by tensor ranks.
 */
function halvesFigure(): Figure {
  const study = MEASURED.filter(
    (row) => row.id.startsWith("llmd-019-") && (row.flags.pp ?? 1) === 1 && row.measured.kvGiB !== undefined,
  );
  const models = [...new Set(study.map((row) => row.config))].sort();
  const half = (row: MeasuredRow): number => models.indexOf(row.config) % 2;
  const scores: Score[] = [];
  for (const scored of [0, 1]) {
    const others = study.filter((row) => half(row) !== scored);
    const sampler = middle(others.flatMap((row) => samplerRatio(row)));
    for (const row of study) {
      const ran = run(row);
      if (half(row) !== scored || typeof ran === "string" || row.config?.endsWith("-text") === true) continue;
      const { terms, pool } = ran.result.devices[0]!;
      if (pool === undefined) continue;
      const tp = row.flags.tp ?? 1;
      const alike = others.filter(({ flags }) => Math.min(3, flags.tp ?? 1) === Math.min(3, tp));
      const outside = middle(alike.flatMap(({ measured: { nonTorchGiB } }) => nonTorchGiB ?? []));
      const change =
        term(terms, "logits") * (sampler - 1) + outside * GIB - input(terms, "runtime", "nonTorch");
      const predicted = pool.blocks * pool.bytesPerBlock - change;
      scores.push({ id: row.id, predicted, measured: row.measured.kvGiB! * GIB });
    }
  }
  const bar = { median: 2, p90: 6 };
  return figureOf({
    title: "KV pool, constants from the other half of the models (vLLM)",
    scores,
    leftOut: [],
    bar,
  });
}

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Bytes that the sampler's moment took of those predicted for it; nothing where the layers set the peak. */
function samplerRatio(row: MeasuredRow): readonly number[] {
  const ran = run(row, { anyStorage: true });
  if (typeof ran === "string" || row.measured.computeGiB === undefined) return [];
  const { terms } = ran.result.devices[0]!;
  const logits = term(terms, "logits");
  return logits === 0 ? [] : [(row.measured.computeGiB * GIB - term(terms, "activations")) / logits];
}

function scoresOf(bar: Bar): { readonly scores: readonly Score[]; readonly leftOut: Figure["leftOut"] } {
  const judged = MEASURED.map((row) => bar.judge(row)).filter((j) => j !== null);
  const reasons = new Map<string, number>();
  for (const j of judged) if ("reason" in j) reasons.set(j.reason, (reasons.get(j.reason) ?? 0) + 1);
  return {
    scores: judged.filter((j): j is Score => "predicted" in j),
    leftOut: [...reasons].map(([reason, rows]) => ({ reason, rows })),
  };
}

if (process.argv[1]?.endsWith("accuracy-serving.ts") === true) {
  for (const bar of BARS) {
    const { scores, leftOut } = scoresOf(bar);
    console.log(figureLines(figureOf({ title: bar.title, bar, scores, leftOut })).join("\n"));
    for (const line of heldOutLine(scores)) console.log(line);
    if (process.argv.includes("--rows"))
      for (const score of scores)
        console.log(
          `       ${errorOf(score).toFixed(2).padStart(8)} %  ${score.id}  ${score.predicted.toFixed(2)} of ${score.measured.toFixed(2)}`,
        );
  }
  console.log(figureLines(halvesFigure()).join("\n"));
}
