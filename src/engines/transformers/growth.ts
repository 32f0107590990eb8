import type { Architecture } from "../../architecture/model.ts";
import type { Term } from "../../memory/term.ts";
import type { Bytes } from "../../units.ts";
import { cacheLayers } from "../cache-layers.ts";
import type { TransformersVersion } from "./versions.ts";

export interface GrowthInput {
  readonly version: TransformersVersion;
  /** The cache at its longest, its tensors alone. */
  readonly cache: Bytes;
  /** Tokens are generated after the prompt; false only where the whole context is known to be prompt. */
  readonly grows: boolean;
  /** What reading the prompt takes and gives back: the growing cache is cut from it first. */
  readonly prefill: Bytes;
}

/**
 * What a DynamicCache needs besides itself, because it grows by concatenation: old and new tensors side by side.
 *
 *     whole   (before 4.36) every layer's: the caller holds the old tuple until forward returns the new one.
 *             These are live tensors, so no allocator gives them back
 *     layer   (since 4.36) one layer's old and new tensors are live; the blocks that it leaves are a token too short
 *             for the next ones, and a whole second copy stays reserved. A full card gets that back: the band
 *             starts at one layer
 *     none    when nothing is generated: nothing is concatenated to a tuple's tensors, and one layer's otherwise
 *     bytes   max(0, copy - prefill): the prompt's activations and logits are gone by then, their blocks reused
 *
 * Not modelled: tensors over 10 MiB get segments of their own, 2 MiB apart. Over a long generation on a card with
 * room each size leaves a copy behind (7B, from 1 to 4096 tokens: 11 GiB reserved by the allocator's own rules,
 * without expandable segments), none of which the run needs.
 *
 * Readings of `max_memory_allocated`, GiB: Qwen-1.8B generating 8192 tokens from one 6.48 = 3.42 of weights + 2 x 1.50,
 * 7B 22.58 = 14.38 + 2 x 4.00, 14B 38.94 = 26.39 + 2 x 6.25 (model cards of Qwen-Chat, transformers 4.31 and 4.32).
 *
 * @example growthTerm(llama_3_1_8b, { version: 4.32, cache: 1 GiB, grows: true, ... }).bytes
 * // 1_073_741_824 less the prefill
 */
export function growthTerm(share: Architecture, input: GrowthInput): Term {
  const { version, cache, prefill } = input;
  let layers = 0;
  for (const row of cacheLayers(share)) layers += row.layers;
  const oneLayer = Math.ceil(cache / Math.max(1, layers));
  const whole = version.growth === "whole";
  const copy = input.grows ? cache : whole ? 0 : oneLayer;
  const bytes = Math.max(0, copy - prefill);
  return {
    id: "allocator",
    bytes,
    low: whole ? bytes : Math.min(bytes, oneLayer),
    high: Math.ceil(copy * 1.3),
    basis: "modelled",
    formula: "{copy} B of cache copied as it grows - {reused} B in blocks that the prompt left",
    inputs: { copy, reused: Math.min(copy, prefill) },
  };
}

/**
 * Bytes per token that a prompt's keys and values pin beyond their own where they are views of one fused projection:
 * a rotated key is a tensor of its own, the value is a slice that keeps query, key and value alive until the first
 * concatenation. Only tuples kept views; a DynamicCache copies.
 *
 *     fused outputs - value
 *
 * Reading: Qwen-7B reading 2048 tokens, `max_memory_allocated` 16.99 GiB = 14.38 + 0.5 of keys + 1.5 of fused
 * projections + 0.58 of logits in bf16; 14B 30.15 = 26.39 + 0.78 + 2.34 + 0.58.
 *
 * @example pinnedElements(qwen_7b, ...) // 262_144 = 32 x (3 x 4096 - 4096)
 */
export function pinnedElements(share: Architecture): number {
  if (share.forward?.rotaryFraction === 0) return 0;
  let elements = 0;
  for (const stack of share.stacks) {
    if (stack.role !== "decoder") continue;
    stack.kinds.forEach((kind, index) => {
      const fused = kind.tensors.find((tensor) => tensor.role === "attn-qkv" && tensor.shape.length === 2);
      const [mixer] = kind.mixers;
      if (fused === undefined || mixer?.kind !== "attention" || mixer.broadcastHeads !== undefined) return;
      elements += stack.counts[index]! * (fused.shape[0]! - mixer.kvHeads * mixer.valueDim);
    });
  }
  return elements;
}
