import type { Architecture, LayerKind, Mixer } from "../architecture/model.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { Term } from "./term.ts";

/** Tokens that serving engines push through the model at once while reading a prompt. */
export const PREFILL_CHUNK_TOKENS: Tokens = 2048;
/** Activations are computed in 16 bits whatever the weights are stored in. */
const ACTIVATION_BYTES = 2;

export interface ActivationsInput {
  readonly contextTokens: Tokens;
  readonly sequences: number;
}

/**
 * The largest set of intermediate tensors alive at once while a prompt is read, without an engine's habits.
 *
 *     tokens in flight = min(sequences * context, 2048)
 *     bytes = tokens * max over layers (attention part, feed-forward part) * 2 B
 *     attention part = 3h + q + k + v + heads * valueDim           (residual, normed input, output)
 *     feed-forward part = 3h + gate, up and product (3f), or 2f ungated; experts: by the number chosen
 *
 * Flash or fused attention is taken for granted: no score matrix. Basis: modelled; the band of half to
 * double covers buffer reuse on one side and fp32 upcasts and fusion failures on the other.
 *
 * @example activations(llama_3_1_8b, { contextTokens: 4096, sequences: 1 }).bytes
 * // 226_492_416 = 2048 x (3 x 4096 + 3 x 14336) x 2
 */
export function activations(model: Architecture, input: ActivationsInput): Term {
  const tokens = Math.min(input.sequences * input.contextTokens, PREFILL_CHUNK_TOKENS);
  const each = peakElements(model);
  const bytes = tokens * each * ACTIVATION_BYTES;
  return {
    id: "activations",
    bytes,
    low: Math.floor(bytes / 2),
    high: bytes * 2,
    basis: model.assumed === true ? "assumed" : "modelled",
    formula: "{tokens} tokens x {each} elements x {width} B",
    inputs: { tokens, each, width: ACTIVATION_BYTES },
  };
}

/**
 * Scores of the last position of each sequence, in 16 bits and as the fp32 copy that sampling reads.
 *
 *     bytes = sequences * vocabulary * (2 + 4)
 *
 * @example logits(llama_3_1_8b, { sequences: 8 }).bytes // 6_156_288 = 8 x 128,256 x 6
 */
export function logits(model: Architecture, input: { readonly sequences: number }): Term {
  const bytes: Bytes = input.sequences * model.vocabSize * 6;
  return {
    id: "logits",
    bytes,
    low: Math.floor((bytes * 2) / 3),
    high: bytes * 2,
    basis: model.assumed === true ? "assumed" : "modelled",
    formula: "{sequences} rows x {vocabulary} x {width} B",
    inputs: { sequences: input.sequences, vocabulary: model.vocabSize, width: 6 },
  };
}

const peaks = new WeakMap<Architecture, number>();

/** Elements per token of the widest moment of any decoder (or lone encoder) layer. */
function peakElements(model: Architecture): number {
  let peak = peaks.get(model);
  if (peak === undefined) {
    peak = 3 * model.hiddenSize;
    for (const stack of model.stacks) {
      if (stack.role !== "decoder" && stack.role !== "encoder") continue;
      for (const kind of stack.kinds) peak = Math.max(peak, layerPeak(kind, stack.hiddenSize));
    }
    peaks.set(model, peak);
  }
  return peak;
}

function layerPeak(kind: LayerKind, hiddenSize: number): number {
  const base = 3 * hiddenSize;
  const mixers = kind.mixers.reduce((sum, mixer) => sum + mixerElements(mixer), 0);
  return base + Math.max(mixers, feedForwardElements(kind));
}

function mixerElements(mixer: Mixer): number {
  switch (mixer.kind) {
    case "attention":
      return (
        mixer.queryHeads * (mixer.keyDim + mixer.valueDim) + mixer.kvHeads * (mixer.keyDim + mixer.valueDim)
      );
    case "latent": {
      const keyDim = mixer.nopeDim + mixer.ropeDim;
      return mixer.queryHeads * (2 * keyDim + 2 * mixer.valueDim) + mixer.latentDim + mixer.ropeDim;
    }
    case "compressed":
      return mixer.queryHeads * mixer.headDim * 2 + 2 * mixer.headDim;
    case "recurrent":
      return mixer.convChannels * 2 + mixer.innerDim * 2;
    case "conv":
      return mixer.channels * 4;
  }
}

function feedForwardElements(kind: LayerKind): number {
  const ffn = kind.feedForward;
  switch (ffn.kind) {
    case "none":
      return 0;
    case "dense":
      return (ffn.gated ? 3 : 2) * ffn.width;
    case "experts": {
      const branches = ffn.gated ? 3 : 2;
      return branches * (ffn.activeExperts * ffn.width + ffn.sharedWidth) + (ffn.denseWidth ?? 0) * branches;
    }
  }
}
