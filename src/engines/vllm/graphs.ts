/** CUDA graphs: what capturing them takes. */
import type { Architecture } from "../../architecture/model.ts";
import { turnsOf } from "../../architecture/stack.ts";
import type { Explained } from "../../memory/term.ts";
import { type Bytes, GiB } from "../../units.ts";
import type { VllmVersion } from "./versions.ts";

/** Layers that the buffers of the experts' kernels count as. */
const EXPERT_KERNELS = 30;

/** Sizes up to `largest` that are captured: 1, 2, 4, multiples of 8, from 256 on of 16 (`config/vllm.py`). */
function capturedSizes(largest: number): number {
  const small = [1, 2, 4].filter((size) => size <= largest).length;
  const eights = Math.floor(Math.min(largest, 255) / 8);
  return small + eights + (largest < 256 ? 0 : Math.floor((largest - 256) / 16) + 1);
}

/** The most that is captured, from 512 sequences on: 51 sizes in pieces and 51 whole. */
const ALL_CAPTURES = 102;

/**
 * Graphs captured for this many sequences: in pieces up to twice as many tokens, whole up to as many, 512 at most.
 * 256 sequences: 51 + 35, as the log says.
 */
function capturesOf(maxNumSeqs: number): number {
  return capturedSizes(Math.min(2 * maxNumSeqs, 512)) + capturedSizes(Math.min(maxNumSeqs, 512));
}

/** Each capture holds buffers per layer; experts add their own kernels' buffers, about as much as 30 layers. */
export function graphsOf(
  share: Architecture,
  { graphsGiB }: VllmVersion,
  maxNumSeqs: number,
): { readonly bytes: Bytes; readonly explained: Explained } {
  let layers = 0;
  let experts = false;
  for (const stack of share.stacks) {
    if (stack.role !== "decoder") continue;
    stack.kinds.forEach((kind, index) => {
      layers += turnsOf(stack, index);
      experts ||= kind.feedForward.kind === "experts";
    });
  }
  const { base, perLayer } = graphsGiB;
  const counted = experts ? layers + EXPERT_KERNELS : layers;
  const captures = capturesOf(maxNumSeqs);
  return {
    bytes: Math.round((base + (counted * perLayer * captures) / ALL_CAPTURES) * GiB),
    explained: {
      formula: experts
        ? "({base} + ({layers} layers + {kernels} for experts) x {perLayer} x {captures} captures / {all}) GiB of CUDA graphs"
        : "({base} + {layers} layers x {perLayer} x {captures} captures / {all}) GiB of CUDA graphs",
      inputs: { base, layers, perLayer, kernels: EXPERT_KERNELS, captures, all: ALL_CAPTURES },
    },
  };
}
