import type { Architecture } from "../../architecture/model.ts";
import { isEncoder } from "../../architecture/stack.ts";
import type { Term } from "../../memory/term.ts";
import type { Tokens } from "../../units.ts";
import { mostQueryHeads } from "../cache-layers.ts";
import { peakElements, widestLayer } from "../layer-widths.ts";

export interface PrefillInput {
  readonly sequences: number;
  /** Tokens of the prompt, read in one pass. */
  readonly prompt: Tokens;
  readonly computeBytes: number;
  /** Scores of one layer are made. */
  readonly eager: boolean;
  /** Positions of each sequence whose logits are computed; 0 on stages without the head. */
  readonly positions: Tokens;
}

/**
 * Reading the prompt in one pass: the layers one after the other, then the head. The two moments do not meet, so the
 * terms add up to the larger.
 *
 *     layers       tokens * (4 hidden + widest feed-forward or mixer) * compute bytes
 *                  eager: + scores of one layer, tokens * prompt * heads * (2 compute + 4)
 *     logits       sequences * positions * vocabulary * (compute + 4); an encoder does not cast them up, and a class
 *                  of the model's own repository is taken not to: compute
 *     activations  max(tokens * hidden * compute, layers - logits)
 *
 * Reading: Qwen-7B's 2048 tokens, see `pinnedElements`: the logits are in bf16, 2048 x 151,936 x 2 B = 0.58 GiB.
 *
 * @example prefillTerms(llama_3_1_8b, { sequences: 1, prompt: 8192, positions: 8192, ... })
 * // at 4.40: 67_108_864 of hidden states + 6_303_842_304 of logits; the layers alone would be 973_078_528
 */
export function prefillTerms(share: Architecture, input: PrefillInput): readonly Term[] {
  const { sequences, prompt, computeBytes, positions } = input;
  const tokens = sequences * prompt;
  const each = peakElements(widestLayer(share));
  const scores = input.eager ? tokens * prompt * mostQueryHeads(share) * (2 * computeBytes + 4) : 0;
  const layers = tokens * each * computeBytes + scores;
  const ownClass = share.notes.some((note) => note.code === "custom-code-layout");
  const width = computeBytes + (ownClass || isEncoder(share) ? 0 : 4);
  const logits = sequences * positions * share.vocabSize * width;
  const kept = tokens * share.hiddenSize * computeBytes;
  const bytes = Math.max(kept, layers - logits);
  const activations: Term = {
    id: "activations",
    bytes,
    low: Math.floor(bytes * 0.7),
    high: Math.ceil(bytes * 1.4),
    basis: "modelled",
    formula:
      bytes === kept
        ? "{tokens} tokens x {hidden} x {width} B kept for the head"
        : "{tokens} tokens x {each} x {width} B + {scores} B of scores - {logits} B that the logits use again",
    inputs: { tokens, each, hidden: share.hiddenSize, width: computeBytes, scores, logits },
  };
  if (positions === 0) return [activations];
  return [
    activations,
    {
      id: "logits",
      bytes: logits,
      low: Math.floor(logits / 2),
      high: sequences * positions * share.vocabSize * 2 * (computeBytes + 4),
      basis: "modelled",
      formula: "{sequences} x {positions} x {vocabulary} x {each} B",
      inputs: { sequences, positions, vocabulary: share.vocabSize, each: width },
    },
  ];
}
