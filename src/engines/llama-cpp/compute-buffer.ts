import type { Architecture, LayerKind, Mixer } from "../../architecture/model.ts";
import type { Explained } from "../../memory/term.ts";
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
  return computeBuffer(model, input).bytes;
}

/** The same with the moment that is the widest. */
export function computeBuffer(
  model: Architecture,
  input: ComputeBufferInput,
): { readonly bytes: Bytes; readonly explained: Explained } {
  const { ubatchTokens: ub, copied, pipelineDevices } = input;
  const rows = ub * F32;
  const head: Moment = { rows, elements: model.vocabSize + model.hiddenSize, beside: 0 };
  const own = layerMoments(model, input);
  const moments = [...(input.output ? [head] : []), own.attention, own.feedForward];
  if (copied !== undefined) {
    const { feedForward } = layerMoments(copied.of, input);
    if (copied.matrix > 0) moments.push({ ...feedForward, copied: copied.matrix });
    if (copied.head > 0) moments.push({ ...head, copied: copied.head });
  }
  const widest = moments.reduce((a, b) => (momentBytes(b) > momentBytes(a) ? b : a));
  const inputs = pipelineDevices > 1 ? PIPELINE_COPIES * own.inputs : 0;
  return {
    bytes: momentBytes(widest) + inputs,
    explained: {
      formula:
        "{ub} tokens x {elements} elements x {width} B" +
        (widest.beside > 0 ? " + {beside} B of mask and scores" : "") +
        (widest.copied === undefined ? "" : " + {copied} B of weights copied from the CPU") +
        (inputs > 0 ? " + {copies} copies x {inputs} B of inputs" : ""),
      inputs: {
        ub,
        elements: widest.elements,
        width: F32,
        beside: widest.beside,
        copied: widest.copied ?? 0,
        copies: PIPELINE_COPIES,
        inputs: own.inputs,
      },
    },
  };
}

/** A moment of the graph: rows of F32, what lies beside them, and weights that were copied. */
interface Moment {
  readonly rows: number;
  readonly elements: number;
  readonly beside: Bytes;
  readonly copied?: Bytes;
}

const momentBytes = ({ rows, elements, beside, copied = 0 }: Moment): Bytes =>
  rows * elements + beside + copied;

interface LayerMoments {
  /** The widest of the mixers, and of the feed-forwards. */
  readonly attention: Moment;
  readonly feedForward: Moment;
  /** What a pipeline keeps copies of. */
  readonly inputs: Bytes;
}

function layerMoments(model: Architecture, input: ComputeBufferInput): LayerMoments {
  const { ubatchTokens: ub, cells, flashAttention } = input;
  const rows = ub * F32;
  let attention: Moment = { rows, elements: 0, beside: 0 };
  let feedForward = attention;
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
      const residual = 2 * stack.hiddenSize;
      for (const mixer of kind.mixers) {
        const { queries, heads } = attentionOf(mixer);
        const scores = flashAttention ? 0 : heads * cells * ub * F32;
        attention = wider(attention, { rows, elements: residual + 2 * queries, beside: mask + scores });
      }
      feedForward = wider(feedForward, {
        rows,
        elements: residual + feedForwardWidth(kind, stack.hiddenSize),
        beside: mask,
      });
    }
  }
  return { attention, feedForward, inputs };
}

const wider = (a: Moment, b: Moment): Moment => (momentBytes(b) > momentBytes(a) ? b : a);

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
