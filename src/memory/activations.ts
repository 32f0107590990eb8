import type { Architecture } from "../architecture/model.ts";
import { headPositions, isEncoder } from "../architecture/stack.ts";
import { peakElements, widestLayer } from "../engines/layer-widths.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { Term } from "./term.ts";

/** Tokens that serving engines push through the model at once while reading a prompt. */
export const PREFILL_CHUNK_TOKENS: Tokens = 2048;
/** Activations are computed in 16 bits whatever the weights are stored in, but for models that run in fp32. */
const ACTIVATION_BYTES = 2;

export interface ActivationsInput {
  readonly contextTokens: Tokens;
  readonly sequences: number;
  /** Bytes of one value of the compute format. Default 2. */
  readonly computeBytes?: number;
}

/**
 * The largest set of intermediate tensors alive at once while a prompt is read, without an engine's habits.
 *
 *     tokens in flight = min(sequences * context, 2048); an encoder reads all at once
 *     bytes = tokens * (4h + the widest mixer or feed-forward) * compute bytes           (`widestLayer`)
 *
 * Flash or fused attention is taken for granted: no score matrix. Basis: modelled; the band of half to
 * double covers buffer reuse on one side and fp32 upcasts and fusion failures on the other.
 *
 * @example activations(llama_3_1_8b, { contextTokens: 4096, sequences: 1 }).bytes
 * // 243_269_632 = 2048 x (4 x 4096 + 3 x 14336) x 2
 */
export function activations(model: Architecture, input: ActivationsInput): Term {
  const all = input.sequences * input.contextTokens;
  const tokens = isEncoder(model) ? all : Math.min(all, PREFILL_CHUNK_TOKENS);
  const each = peakElements(widestLayer(model));
  const width = input.computeBytes ?? ACTIVATION_BYTES;
  const bytes = tokens * each * width;
  return {
    id: "activations",
    bytes,
    low: Math.floor(bytes / 2),
    high: bytes * 2,
    basis: model.assumed === true ? "assumed" : "modelled",
    formula: "{tokens} tokens x {each} elements x {width} B",
    inputs: { tokens, each, width },
  };
}

/**
 * Scores of the last position of each sequence, in the compute format and as the fp32 copy that sampling reads; of
 * every position for an encoder that fills in masked tokens.
 *
 *     bytes = rows * vocabulary * (compute bytes + 4)
 *
 * @returns null for a model without a head over the vocabulary
 * @example logits(llama_3_1_8b, { sequences: 8, contextTokens: 4096 }).bytes // 6_156_288 = 8 x 128,256 x 6
 */
export function logits(model: Architecture, input: ActivationsInput): Term | null {
  const { sequences, contextTokens, computeBytes = ACTIVATION_BYTES } = input;
  const vocabulary = model.vocabSize;
  const rows = sequences * headPositions(model, { ofEncoder: contextTokens, ofDecoder: 1 });
  if (rows === 0) return null;
  const width = computeBytes + 4;
  const bytes: Bytes = rows * vocabulary * width;
  return {
    id: "logits",
    bytes,
    low: Math.floor((bytes * 2) / 3),
    high: bytes * 2,
    basis: model.assumed === true ? "assumed" : "modelled",
    formula: "{rows} rows x {vocabulary} x {width} B",
    inputs: { rows, vocabulary, width },
  };
}
