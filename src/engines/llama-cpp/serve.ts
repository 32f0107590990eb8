import type { Architecture } from "../../architecture/model.ts";
import { readsText } from "../../architecture/stack.ts";
import { VramCalcError } from "../../errors.ts";
import { exactSum, type Term } from "../../memory/term.ts";
import { dividedLayers, sliceLayers } from "../../parallelism/layer-range.ts";
import type { Tokens } from "../../units.ts";
import { cacheSum, rowsBytes } from "../cache-sum.ts";
import type { EngineDevice, EngineResult, ServingInput } from "../engine.ts";
import { versionRow } from "../versions.ts";
import { backendTerm, type LlamaCppBackend } from "./backend.ts";
import { type LlamaCppCacheInput, llamaCppCacheRows } from "./cache.ts";
import { computeBuffer } from "./compute-buffer.ts";
import { copiedWeights } from "./copied-weights.ts";
import { placedOn } from "./placed-devices.ts";
import type { PlacedLayers } from "./placement.ts";
import { LLAMA_CPP_VERSIONS, type LlamaCppVersion } from "./versions.ts";

/** llama.cpp's flags. `sequences` are the slots of `--parallel`, `contextTokens` is what one slot gets of `-c`. */
export interface LlamaCppOptions {
  /** `-ngl`. Default: everything. */
  readonly gpuLayers?: number;
  /** `--tensor-split`, one share per GPU. Default: one GPU. */
  readonly tensorSplit?: readonly number[];
  /** `--n-cpu-moe`: layers whose routed experts stay on the CPU. */
  readonly cpuExpertLayers?: number;
  /** `--cpu-moe`: those of every layer. */
  readonly cpuExperts?: boolean;
  /** `--no-kv-offload`: caches and recurrent states stay on the CPU, attention runs on a copy of one layer's. */
  readonly hostCache?: boolean;
  /** `-fa`. Default true. */
  readonly flashAttention?: boolean;
  /** `-ub`. Default 512. */
  readonly ubatchTokens?: Tokens;
  /** `-b`: a micro-batch is no larger. Default 2048. */
  readonly batchTokens?: Tokens;
  /** `--kv-unified`. */
  readonly unified?: boolean;
  /** `--swa-full`. */
  readonly swaFull?: boolean;
  /** Tokens that prediction layers propose (`--spec-draft-n-max`): as many more states of each slot to go back to. */
  readonly speculativeTokens?: number;
  /** What the build runs on. Default CUDA: its driver keeps a context on the card that Vulkan's does not. */
  readonly backend?: LlamaCppBackend;
  /** `--mmproj`: the tower and its projector are loaded, on the first GPU. */
  readonly projector?: boolean;
}

const DEFAULT_UBATCH = 512;
/** A vector that every cache format holds in whole blocks: quantized ones take less than 16 bits a value. */
const HEAD = 64;

/**
 * Model, KV, recurrent and compute buffers of each GPU, as the load log lists them.
 *
 *     weights   layers of the device, the head on the last; the input embedding stays on the CPU, and a tied
 *               one is copied for the head
 *     caches    of the device's own layers
 *     compute   widest moment of the graph for one micro-batch, on every device of a layer split
 *
 * With proposals each slot keeps a state per proposed token beside its own: slots x (1 + proposed) x state
 * (llama-memory-recurrent.cpp, n_rs_seq); Qwen3.5-27B, one slot, two proposed: 3 x 149.62 = 448.88 MiB, as printed. The
 * compute buffer of the proposing context is not modelled.
 *
 * `dp` are servers of their own, which divide the slots. Layers on the CPU cost no GPU memory but in the compute buffer of the first GPU, which works on large batches with a
 * copy of their weights (copied-weights.ts), even with `-ngl 0`.
 *
 * @example serveOnLlamaCpp({ model: qwen3_30b, gpuLayers: 99, ubatchTokens: 512, ... }).devices[0].terms
 * // kv-cache 3072 MiB at 32,768 cells, activations 300.75 MiB
 */
export function serveOnLlamaCpp(input: ServingInput & LlamaCppOptions): EngineResult {
  const version = versionRow(LLAMA_CPP_VERSIONS, input.version?.replace(/^b/, ""));
  const { model, degrees } = input;
  if (degrees.ep > 1) {
    throw new VramCalcError("bad-option", {
      option: "--ep",
      given: `${degrees.ep} for llama.cpp`,
      expected: "1: llama.cpp divides whole layers over its devices, experts with them",
    });
  }
  if (model.stacks.length > 0 && !model.stacks.some(({ role }) => readsText(role))) {
    throw new VramCalcError("bad-option", {
      option: "--engine",
      given: `llama.cpp for a ${model.family} model, which has no layers that read text`,
      expected: "a language model, to which --mmproj adds a projector of images or sound",
    });
  }
  const layers = dividedLayers(model);
  const split = input.tensorSplit ?? new Array<number>(degrees.tp * degrees.pp).fill(1);
  const gpuLayers = input.gpuLayers ?? layers + 1;
  const cut = input.cpuExperts === true ? layers : Math.max(0, input.cpuExpertLayers ?? 0);
  const projector = input.projector === true;
  const layout = { layers, gpuLayers, split, head: version.head, cut, projector };
  const { cpu, devices } = placedOn(
    model,
    `${gpuLayers} ${split} ${version.head} ${cut} ${projector}`,
    layout,
  );
  const allOffloaded = gpuLayers > layers && cut === 0 && input.hostCache !== true;
  const pipelineDevices = allOffloaded ? devices.length : 1;
  const result: EngineDevice[] = [];
  for (const [index, { placed, held, alike }] of devices.entries()) {
    const hosted = index === 0 ? { cpu, cut } : null;
    result.push({
      id: devices.length === 1 ? "all" : `gpu${index}`,
      count: degrees.dp,
      held,
      terms:
        alike === null
          ? deviceTerms(held, { input, version, placed, pipelineDevices, hosted })
          : result[alike]!.terms,
    });
  }
  return { engine: "llama.cpp", version: `b${version.version}`, devices: result, notes: [] };
}

function deviceTerms(
  held: Architecture,
  at: {
    readonly input: ServingInput & LlamaCppOptions;
    readonly version: LlamaCppVersion;
    readonly placed: PlacedLayers;
    readonly pipelineDevices: number;
    /** What stays on the CPU, for the device that works on it. */
    readonly hosted: { readonly cpu: PlacedLayers; readonly cut: number } | null;
  },
): readonly Term[] {
  const { input, version, placed, pipelineDevices, hosted } = at;
  const flashAttention = input.flashAttention !== false;
  const padTokens = flashAttention ? version.padTokens.flash : version.padTokens.plain;
  const slots = Math.ceil(input.sequences / input.degrees.dp);
  const microBatch = Math.min(
    input.ubatchTokens ?? DEFAULT_UBATCH,
    input.batchTokens ?? Number.POSITIVE_INFINITY,
  );
  const cacheInput: LlamaCppCacheInput = {
    contextTokens: input.contextTokens,
    slots,
    format: input.format,
    padTokens,
    flashAttention,
    latentCache: version.latentCache,
    unified: input.unified === true,
    swaFull: input.swaFull === true || !version.windowCache,
    ubatchTokens: microBatch,
  };
  const rows = llamaCppCacheRows(held, cacheInput);
  const asked = input.unified === true ? input.contextTokens * slots : input.contextTokens;
  const cells = Math.ceil(asked / padTokens) * padTokens;
  const ubatchTokens = Math.min(microBatch, cells);
  const weights =
    hosted === null ? null : copiedWeights(input.model, { ...hosted, storage: input.storage, ubatchTokens });
  const copied =
    hosted === null || weights === null
      ? null
      : {
          ...weights,
          cpu:
            hosted.cpu.layers === 0
              ? null
              : sliceLayers(input.model, { ...hosted.cpu, input: false, output: false }),
          cut: hosted.cut > 0,
          cache: input.format,
        };
  if (placed.layers === 0 && !placed.output && copied === null) return [];
  const { bytes: compute, explained } = computeBuffer(held, {
    ...(copied === null ? {} : { copied }),
    cells,
    ubatchTokens,
    flashAttention,
    output: placed.output,
    outputTokens: version.reservedLogits === "sequences" ? Math.min(slots, ubatchTokens) : ubatchTokens,
    sequences: slots,
    windows: cacheInput.swaFull === true ? Number.POSITIVE_INFINITY : input.unified === true ? slots : 1,
    speculativeTokens: input.speculativeTokens ?? 0,
    halfMask: version.mask === "half",
    valueIndices: version.valueIndices,
    gatesInPlace: version.gatesInPlace,
    copiedParts: version.copiedParts,
    hostCache: input.hostCache === true ? input.format : null,
    turned: {
      keys: version.turnedCache && input.format.keyBytesPerVector(HEAD) < HEAD * 2,
      values: version.turnedCache && input.format.valueBytesPerVector(HEAD) < HEAD * 2,
    },
    pipelineDevices,
  });
  const terms: Term[] = [];
  const kv = input.hostCache === true ? 0 : rowsBytes(rows.kv);
  if (kv > 0) terms.push(exactSum("kv-cache", kv, cacheSum(rows.kv, { tokens: "cells" })));
  const states = slots * (1 + (input.speculativeTokens ?? 0));
  const state = input.hostCache === true ? 0 : states * rowsBytes(rows.state);
  if (state > 0)
    terms.push(exactSum("recurrent-state", state, cacheSum(rows.state, { times: ["slots", states] })));
  terms.push(
    {
      id: "activations",
      bytes: compute,
      low: Math.floor(compute * 0.9),
      high: Math.ceil(compute * 1.15),
      basis: "modelled",
      formula: explained.formula,
      inputs: explained.inputs,
    },
    backendTerm({ backend: input.backend, card: input.card }),
  );
  return terms;
}
