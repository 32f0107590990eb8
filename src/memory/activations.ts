import type { Architecture } from "../architecture/model.ts";
import { peakElements, widestLayer } from "../engines/layer-widths.ts";
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
 *     bytes = tokens * (4h + the widest mixer or feed-forward) * 2 B           (`widestLayer`)
 *
 * Flash or fused attention is taken for granted: no score matrix. Basis: modelled; the band of half to
 * double covers buffer reuse on one side and fp32 upcasts and fusion failures on the other.
 *
 * @example activations(llama_3_1_8b, { contextTokens: 4096, sequences: 1 }).bytes
 * // 243_269_632 = 2048 x (4 x 4096 + 3 x 14336) x 2
 */
export function activations(model: Architecture, input: ActivationsInput): Term {
  const tokens = Math.min(input.sequences * input.contextTokens, PREFILL_CHUNK_TOKENS);
  const each = peakElements(widestLayer(model));
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
