import type { Architecture, LayerKind, Mixer } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CopiedWeights } from "./copied-weights.ts";

export interface ComputeBufferInput {
  /** Cells of one slot's cache (or of the unified one): what a micro-batch attends to. */
  readonly cells: Tokens;
  /** `-ub`, at most the context. */
  readonly ubatchTokens: Tokens;
  readonly flashAttention: boolean;
  /** The device holds the head. */
  readonly output: boolean;
  /**
   * Devices that work as a pipeline: a layer split with everything offloaded and no tensor placed by hand.
   * More than one keeps four copies of each input in flight.
   */
  readonly pipelineDevices: number;
  /** The mask is made in F16 instead of cast to it (ik_llama.cpp). Default false. */
  readonly halfMask?: boolean;
  /** Weights of the CPU's part that this device multiplies with, and the whole model, whose layers they belong to. */
  readonly copied?: CopiedWeights & { readonly of: Architecture };
}

/** GGML_SCHED_MAX_COPIES: micro-batches in flight in a pipeline of several devices. */
const PIPELINE_COPIES = 4;
const F32 = 4;
const F16 = 2;

/**
 * The compute buffer of one device: the widest moment of the graph for one full micro-batch, in F32.
 *
 *     head        ub * (vocabulary + hidden) * 4
 *     attention   ub * (2 hidden + 2 queries) * 4 + mask + scores
 *                 mask    cells * ub * 4, flash attention adds its F16 copy (+ 2)
 *                 scores  heads * cells * ub * 4 without flash attention, none with it
 *     feed-forward  ub * (2 hidden + 2 widths) * 4; experts: chosen * (2 widths + hidden)
 *     copied      a matrix kept on the CPU + the feed-forward of its layer; the head kept there + the head's rows
 *     buffer = largest of them; a pipeline: + 4 * (F32 mask + hidden) of copied inputs
 *
 * Not modelled: scratch that kernels take from their own pool (dequantized weights and caches). Graph order moves the result by a few rows of `hidden`.
 * Checked against printed buffers: see test/bench/accuracy-serving.ts.
 *
 * @example computeBufferBytes(glm_z1_32b, { cells: 8192, ubatchTokens: 512, flashAttention: false, ... })
 * // 872_415_232 = 832.00 MiB = 768 scores + 16 mask + 48 of four rows, as the log prints
 */
export function computeBufferBytes(model: Architecture, input: ComputeBufferInput): Bytes {
  const { ubatchTokens: ub, copied } = input;
  const head = ub * (model.vocabSize + model.hiddenSize) * F32;
  const own = layerMoments(model, input);
  let widest = Math.max(input.output ? head : 0, own.widest);
  if (copied !== undefined) {
    const { feedForward } = layerMoments(copied.of, input);
    if (copied.matrix > 0) widest = Math.max(widest, copied.matrix + feedForward);
    if (copied.head > 0) widest = Math.max(widest, copied.head + head);
  }
  return widest + (input.pipelineDevices > 1 ? PIPELINE_COPIES * own.inputs : 0);
}

interface LayerMoments {
  readonly widest: Bytes;
  /** The widest of the feed-forwards alone. */
  readonly feedForward: Bytes;
  /** What a pipeline keeps copies of. */
  readonly inputs: Bytes;
}

function layerMoments(model: Architecture, input: ComputeBufferInput): LayerMoments {
  const { ubatchTokens: ub, cells, flashAttention } = input;
  let widest = 0;
  let feedForward = 0;
  let inputs = 0;
  for (const stack of model.stacks) {
    if (stack.role !== "decoder") continue;
    const windows = new Set<number>();
    for (const kind of stack.kinds) {
      for (const mixer of kind.mixers)
        if (mixer.kind === "attention") windows.add(mixer.windowTokens ?? mixer.chunkTokens ?? 0);
    }
    // Full and window layers each have a mask, and both live as long as the graph's layers do.
    let masked = 0;
    for (const window of windows) masked += window === 0 ? cells : Math.min(cells, window + ub);
    const pairs = (windows.size === 0 ? cells : masked) * ub;
    const made = input.halfMask === true && flashAttention ? F16 : F32;
    const mask = pairs * (flashAttention && made === F32 ? F32 + F16 : made);
    inputs = pairs * made + ub * stack.hiddenSize * F32;
    for (const kind of stack.kinds) {
      const rows = ub * F32;
      const residual = 2 * stack.hiddenSize;
      for (const mixer of kind.mixers) {
        const { queries, heads } = attentionOf(mixer);
        const scores = flashAttention ? 0 : heads * cells * ub * F32;
        widest = Math.max(widest, rows * (residual + 2 * queries) + mask + scores);
      }
      feedForward = Math.max(
        feedForward,
        rows * (residual + feedForwardWidth(kind, stack.hiddenSize)) + mask,
      );
    }
  }
  return { widest: Math.max(widest, feedForward), feedForward, inputs };
}

function attentionOf(mixer: Mixer): { readonly queries: number; readonly heads: number } {
  switch (mixer.kind) {
    case "attention":
      return { queries: mixer.queryHeads * mixer.keyDim, heads: mixer.queryHeads };
    case "latent":
      // Queries are absorbed into the latent space before they meet the cache.
      return { queries: mixer.queryHeads * (mixer.latentDim + mixer.ropeDim), heads: mixer.queryHeads };
    case "compressed":
      return { queries: mixer.queryHeads * mixer.headDim, heads: mixer.queryHeads };
    case "recurrent":
      return { queries: mixer.convChannels + mixer.innerDim, heads: 0 };
    case "conv":
      return { queries: 2 * mixer.channels, heads: 0 };
  }
}

function feedForwardWidth(kind: LayerKind, hiddenSize: number): number {
  const ffn = kind.feedForward;
  switch (ffn.kind) {
    case "none":
      return 0;
    case "dense":
      return 2 * ffn.width;
    case "experts":
      return ffn.activeExperts * (2 * ffn.width + hiddenSize) + 2 * (ffn.sharedWidth + (ffn.denseWidth ?? 0));
  }
}
