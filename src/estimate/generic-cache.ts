import type { Architecture, Mixer } from "../architecture/model.ts";

interface CacheInput {
  readonly contextTokens: number;
  readonly keyBytes: (dim: number) => number;
  readonly valueBytes: (dim: number) => number;
}
/** temporary */
export function genericCache(model: Architecture, input: CacheInput): { kv: number; state: number } {
  let kv = 0;
  let state = 0;
  for (const stack of model.stacks) {
    if (stack.role === "mtp") continue;
    stack.kinds.forEach((kind, i) => {
      for (const mixer of kind.mixers) {
        kv += stack.counts[i]! * kvBytes(mixer, input);
        if (mixer.kind === "recurrent")
          state +=
            stack.counts[i]! * (mixer.convChannels * (mixer.convKernel - 1) * 2 + mixer.stateElements * 4);
      }
    });
  }
  return { kv, state };
}
function kvBytes(mixer: Mixer, input: CacheInput): number {
  if (mixer.kind === "attention") {
    if (mixer.cache !== "own") return 0;
    const t = Math.min(
      input.contextTokens,
      mixer.windowTokens ?? mixer.chunkTokens ?? Number.POSITIVE_INFINITY,
    );
    return t * mixer.kvHeads * (input.keyBytes(mixer.keyDim) + input.valueBytes(mixer.valueDim));
  }
  if (mixer.kind === "latent") return input.contextTokens * input.keyBytes(mixer.latentDim + mixer.ropeDim);
  return 0;
}
