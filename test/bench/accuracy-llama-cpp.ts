/** Scores of llama.cpp: caches and compute buffers against the lines of load logs. */
import type { Architecture } from "../../src/architecture/model.ts";
import { llamaCppCacheBytes } from "../../src/engines/llama-cpp/cache.ts";
import { type ComputeBufferInput, computeBufferBytes } from "../../src/engines/llama-cpp/compute-buffer.ts";
import { copiedWeights } from "../../src/engines/llama-cpp/copied-weights.ts";
import type { WeightStorage } from "../../src/quantization/storage.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { cacheFormatOf, type MeasuredRow, modelOf } from "../engines/measured-rows.ts";
import { type Judged, leave, MIB } from "./serving-run.ts";

export const isCpp = (row: MeasuredRow): boolean => row.engine === "llama.cpp";

export function cppCache(row: MeasuredRow, printedMiB: number): Judged {
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

export function cppCompute(row: MeasuredRow): Judged | null {
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
    halfMask: row.fork !== undefined || row.flags.halfMask === true,
    outputTokens: row.flags.outputTokens ?? Math.min(ubatchTokens, contextTokens),
    gatesInPlace: row.fork !== undefined,
    ...(gpus.length === 1 && row.flags.expertsOnCpu === true ? copiedIn(row, model) : {}),
  });
  return { id: row.id, predicted: bytes / MIB, measured: printed };
}

function partOnCpu(row: MeasuredRow): boolean {
  const [ngl, all] = (row.flags.offload ?? "").split("/").map(Number);
  return row.flags.offload !== undefined && ngl !== all;
}

/**
 * The weights that the GPU worked on with a copy, or nothing where the CPU did the work: the fork repacks weights
 * (-rtr), which cannot be copied, and no flag of a row says so, but the log does. The rows of a feed-forward lie in the
 * host's buffer exactly when the CPU computes them: experts * (2 widths + hidden) * micro-batch * 4 B. The fork's fused
 * gate and up (-fmoe) is not modelled, which may be why rows with the experts on the CPU fall short there.
 */
function copiedIn(row: MeasuredRow, model: Architecture): Pick<ComputeBufferInput, "copied"> {
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
  const byCpu = host === undefined || host * MIB >= rows * Math.max(...widths);
  if (row.fork !== undefined && byCpu) return {};
  const layers = model.stacks[0]!.counts.reduce((sum, n) => sum + n, 0);
  const nothing = row.flags.expertsOnCpu !== true;
  const copied = copiedWeights(model, {
    cpu: { firstLayer: 0, layers: nothing ? layers : 0, output: nothing },
    cut: layers,
    storage: fileStorage(row),
    ubatchTokens,
  });
  return copied === null
    ? {}
    : {
        copied: {
          ...copied,
          cpu: nothing ? model : null,
          cut: !nothing,
          cache: cacheFormatOf(row.flags.kvTypes?.K),
        },
      };
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

export function cppCopied(row: MeasuredRow): Judged | null {
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
    halfMask: row.fork !== undefined || row.flags.halfMask === true,
    outputTokens: row.flags.outputTokens ?? Math.min(ubatchTokens, contextTokens),
    gatesInPlace: row.fork !== undefined,
  });
  return { id: row.id, predicted: bytes / MIB, measured: printed };
}
