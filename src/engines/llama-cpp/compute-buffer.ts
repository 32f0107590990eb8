import type { Architecture, LayerKind, Stack } from "../../architecture/model.ts";
import { layerCount } from "../../architecture/stack.ts";
import type { Explained } from "../../memory/term.ts";
import { dividedStack } from "../../parallelism/layer-range.ts";
import { onceForEach } from "../../remember.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import { hadamardOf, masksOf, ownWindow } from "./attention-inputs.ts";
import { type Brought, COPIED, emptyGraph, F32, type GraphInput, type TurnedSides } from "./compute-graph.ts";
import { type CopiedWeights, LEAST_BATCH } from "./copied-weights.ts";
import { type GraphTensor, type Peak, peakOf } from "./graph-allocator.ts";
import { layerGraph } from "./layer-graph.ts";

export interface ComputeBufferInput {
  /** Cells of one slot's cache (or of the unified one): what a micro-batch attends to. */
  readonly cells: Tokens;
  /** `-ub`, at most the context. */
  readonly ubatchTokens: Tokens;
  readonly flashAttention: boolean;
  /** The device holds the head. */
  readonly output: boolean;
  /** Tokens whose logits the graph reserves; builds before June 2026 (and the fork) all of the micro-batch. Default that. */
  readonly outputTokens?: Tokens;
  /** Tokens proposed at once. Default 0. */
  readonly speculativeTokens?: number;
  /** Sequences of the micro-batch. Default 1. */
  readonly sequences?: number;
  /** Windows that a sliding layer's cache holds: one for each slot of a unified cache. Default 1; Infinity, all cells. */
  readonly windows?: number;
  /**
   * Devices that work as a pipeline: a layer split with everything offloaded and no tensor placed by hand.
   * More than one keeps four copies of each input in flight.
   */
  readonly pipelineDevices: number;
  /** The mask is made in F16 instead of cast to it (since June 2026; ik_llama.cpp). Default false. */
  readonly halfMask?: boolean;
  /** Gate and up are multiplied in place: builds before July 2025, and the fork. Default false. */
  readonly gatesInPlace?: boolean;
  /** Parts of a fused matrix's product are copied (before September 2025, and the fork). Default false. */
  readonly copiedParts?: boolean;
  /** Without flash attention: values are written one by one into a transposed cache (since late 2025). Default false. */
  readonly valueIndices?: boolean;
  /** Sides of the cache whose heads are turned before they are quantized (since April 2026). Default neither. */
  readonly turned?: TurnedSides;
  /** Format of the device's own layers' cache where the CPU keeps it (`--no-kv-offload`). Default null. */
  readonly hostCache?: CacheFormat | null;
  /** What this device does for the CPU. */
  readonly copied?: CopiedWeights & {
    /** Layers of the CPU, which come before the device's own: their products and attention run here. */
    readonly cpu: Architecture | null;
    /** The experts of the device's own layers are on the CPU. */
    readonly cut: boolean;
    readonly cache: CacheFormat;
  };
}

/** GGML_SCHED_MAX_COPIES: micro-batches in flight in a pipeline of several devices. */
const PIPELINE_COPIES = 4;
const I64 = 8;

/**
 * The compute buffer of one device: how high ggml's allocator reaches over the graph of one full micro-batch, all in
 * F32 (graph-allocator.ts, layer-graph.ts).
 *
 *     live        inputs (mask, residual) + what the widest moment holds:
 *       head        outputs * (vocabulary + hidden) * 4
 *       attention   ub * (2 hidden + 2 queries) * 4; without flash attention heads * cells * ub * 4 of scores
 *       feed-forward  ub * (2 hidden + 3 widths) * 4: gate, up and their product; experts: chosen * widths
 *     mask        cells * ub * 2 per window; builds up to May 2026 bring it in F32 and cast it in the first layer that
 *                 attends, where both live
 *     gaps        free blocks that were too small
 *     copied      a matrix kept on the CPU, beside the layer that it belongs to; a head kept there
 *
 * Not modelled: scratch that kernels take from their own pool, reordering by a backend (Vulkan), tensors that one
 * class alone makes. Checked against printed buffers (test/bench/accuracy-serving.ts) and against 138 that llama.cpp
 * reserves for published shapes (test/vectors/llama-cpp-reserved.json).
 *
 * @example computeBufferBytes(glm_z1_32b, { cells: 8192, ubatchTokens: 512, flashAttention: false, ... })
 * // 872_415_232 = 832.00 MiB = 768 scores + 16 mask + 48 of four rows, as the log prints
 */
export function computeBufferBytes(model: Architecture, input: ComputeBufferInput): Bytes {
  return computeBuffer(model, input).bytes;
}

export interface ComputeBuffer {
  readonly bytes: Bytes;
  readonly explained: Explained;
}

/** The same with what is alive at the highest moment. */
export function computeBuffer(model: Architecture, input: ComputeBufferInput): ComputeBuffer {
  return input.copied === undefined && (input.hostCache ?? null) === null
    ? wholeBuffer(model, numbersOf(input), input)
    : reachedBuffer(model, input);
}

/** What tells buffers apart that the host has no part in: a new option does not compile until it is here. */
const TOLD_BY: {
  readonly [K in Exclude<keyof ComputeBufferInput, "turned" | "copied" | "hostCache">]-?: true;
} = {
  cells: true,
  ubatchTokens: true,
  flashAttention: true,
  output: true,
  outputTokens: true,
  speculativeTokens: true,
  sequences: true,
  windows: true,
  pipelineDevices: true,
  halfMask: true,
  gatesInPlace: true,
  copiedParts: true,
  valueIndices: true,
};
const TOLD = Object.keys(TOLD_BY) as (keyof typeof TOLD_BY)[];

/** All that an input without the host's part says, in one text. */
function numbersOf(input: ComputeBufferInput): string {
  let text = `${input.turned?.keys} ${input.turned?.values}`;
  for (const name of TOLD) text += ` ${input[name]}`;
  return text;
}

function reachedBuffer(model: Architecture, input: ComputeBufferInput): ComputeBuffer {
  const peak = peakOf(graphOf(model, input));
  return { bytes: peak.bytes, explained: explain(peak) };
}

/** A grid of formats and cards asks of few contexts: 2,152 buffers for 104,448 questions. */
const wholeBuffer = onceForEach((model: Architecture, _numbers: string, input: ComputeBufferInput) =>
  reachedBuffer(model, input),
);

/** Tensors of one name together; what is under a hundredth of the buffer goes with the gaps. */
function explain({ bytes, live }: Peak): Explained {
  const sums = new Map<string, Bytes>();
  for (const tensor of live) sums.set(tensor.name, (sums.get(tensor.name) ?? 0) + tensor.bytes);
  const inputs: Record<string, number> = {};
  const parts: string[] = [];
  let rest = bytes;
  for (const [name, sum] of sums) {
    if (sum * 100 < bytes) continue;
    const key = name.replaceAll(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase());
    inputs[key] = sum;
    parts.push(`{${key}} B of ${name}`);
    rest -= sum;
  }
  if (rest > 0) {
    inputs.gaps = rest;
    parts.push("{gaps} B of indices and gaps");
  }
  return { formula: parts.join(" + "), inputs };
}

/** Layers of a run are alike: two of each, and of a long alternation its first twelve and last four. */
function layersOf(model: Architecture): readonly LayerKind[] {
  const stack = dividedStack(model);
  const layers = (stack?.runs ?? []).flatMap(({ kind, count }) =>
    new Array<LayerKind>(Math.min(2, count)).fill(stack!.kinds[kind]!),
  );
  return layers.length > 16 ? [...layers.slice(0, 12), ...layers.slice(-4)] : layers;
}

function graphOf(model: Architecture, input: ComputeBufferInput): readonly GraphTensor[] {
  const { ubatchTokens: ub, pipelineDevices } = input;
  const stack =
    dividedStack(model) ?? (input.copied?.cpu == null ? undefined : dividedStack(input.copied.cpu));
  // An encoder has no cache and no head: its tokens see the micro-batch.
  const encoder = stack?.role === "encoder";
  const cells = encoder ? ub : input.cells;
  const graph = emptyGraph();
  const hiddenSize = stack?.hiddenSize ?? model.hiddenSize;
  const { copied } = input;
  const cpu = copied === undefined || copied.cpu === null ? [] : layersOf(copied.cpu);
  const layers = [...cpu, ...layersOf(model)];
  // Where every layer slides alike, none does.
  const mixed = layers.some(({ mixers }) => mixers.some((mixer) => ownWindow(mixer) === 0));
  const graphInput: GraphInput = {
    ...input,
    windowOf: (mixer) => (mixed ? ownWindow(mixer) : 0),
    cellsOf: (window) => (window === 0 ? cells : Math.min(cells, window * (input.windows ?? 1) + ub)),
    halfMask: input.halfMask === true && input.flashAttention,
    sequences: input.sequences ?? 1,
    states: 1 + (input.speculativeTokens ?? 0),
    normsAfter: encoder,
    sent: copied?.cut === true ? { dense: null, experts: copied.experts } : null,
    copiedCache: input.hostCache ?? null,
    turned: input.turned ?? { keys: false, values: false },
  };
  const copies = pipelineDevices > 1 ? PIPELINE_COPIES : 1;
  const bring = (name: string, bytes: Bytes): GraphTensor => {
    // Layers of the CPU are parts of their own, and an input comes with the first that reads it.
    if (cpu.length > 0) return graph.await(name, bytes);
    let first: GraphTensor | undefined;
    for (let copy = 0; copy < copies; copy++) {
      const tensor: GraphTensor = { name, bytes, reads: [], kept: copies > 1 };
      graph.nodes.push(tensor);
      first ??= tensor;
    }
    return first!;
  };
  const perLayer = perLayerWidth(stack);
  const perLayerInputs = perLayer === 0 ? null : bring("per-layer inputs", perLayer * ub * F32);
  let hidden = bring("residual", hiddenSize * ub * F32);
  const positions = bring("positions", ub * F32);
  const indices = bring(
    "cache indices",
    (encoder ? 0 : ub) *
      I64 *
      (1 + (input.valueIndices === true && !input.flashAttention ? widestValue(layers) : 1)),
  );
  const mask = masksOf({ layers, input: graphInput, bring });
  const brought: Brought = {
    mask,
    positions,
    indices,
    hadamard: hadamardOf(layers, graphInput.turned, bring),
    rows: bring("output indices", F32 * (input.outputTokens ?? ub)),
  };
  // A head on the CPU is sent for batches that are worth it.
  const reserved = input.outputTokens ?? ub;
  const sentHead = copied === undefined || reserved < LEAST_BATCH ? 0 : copied.head;
  const outputs = (input.output || sentHead > 0) && !encoder ? reserved : null;
  const host =
    copied === undefined
      ? graphInput
      : {
          ...graphInput,
          sent: copied,
          copiedCache: copied.cache,
        };
  const embedded = hidden;
  let slices: GraphTensor | null = null;
  layers.forEach((kind, layer) => {
    const rows = layer === layers.length - 1 ? outputs : null;
    hidden = layerGraph(graph, kind, {
      hidden,
      input: layer < cpu.length ? host : graphInput,
      brought,
      hiddenSize,
      outputs: rows,
    });
    if (perLayerInputs === null) return;
    const { op } = graph;
    const { name, bytes } = perLayerInputs;
    if (slices === null) {
      // A projection of the embedding, normed by layer: a view, which no operation may overwrite.
      const normed = op(name, bytes, [op(name, bytes, [embedded])]);
      // Their sum is turned so that each layer's slice is of one piece.
      slices = op(name, bytes, [op(name, bytes, [normed, perLayerInputs], normed)]);
    }
    const width = (perLayer / layersIn(stack!)) * (rows ?? ub) * F32;
    const gate = op("gate", width, [hidden]);
    const product = op("gate", width, [gate, slices], gate);
    const output = op("feed-forward", hidden.bytes, [product]);
    hidden = op("residual", hidden.bytes, [hidden, output], hidden);
  });
  if (outputs !== null) {
    const weights = sentHead > 0 ? [graph.op(COPIED, sentHead, [])] : [];
    graph.op("logits", model.vocabSize * outputs * F32, [hidden, ...weights]);
  }
  return graph.nodes;
}

/** Values of a token in the widest layer: each has an index of its own where the cache keeps them transposed. */
function widestValue(layers: readonly LayerKind[]): number {
  let widest = 1;
  for (const { mixers } of layers)
    for (const mixer of mixers)
      if (mixer.kind === "attention") widest = Math.max(widest, mixer.kvHeads * mixer.valueDim);
  return widest;
}

/** Gemma 3n and 4 E: every layer adds a slice of an input of its own, which lives as long as the layers do. */
function perLayerWidth(stack: Stack | undefined): number {
  for (const { tensors } of stack?.kinds ?? []) {
    const gate = tensors.find(({ name }) => /^(per_layer_input_gate|inp_gate)\b/.test(name));
    if (gate !== undefined) return gate.shape[0]! * layersIn(stack!);
  }
  return 0;
}

const layersIn = (stack: Stack): number => stack.slice?.of ?? layerCount(stack);
