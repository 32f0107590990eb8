import type { Mixer } from "../../src/architecture/mixers/mixer.ts";
import type { Architecture, FeedForward, LayerKind } from "../../src/architecture/model.ts";
import { finishArchitecture } from "../../src/architecture/parameters.ts";

/** A model written out by hand: the mixers of its layers in order, without weights. */
export function handModel(
  layers: readonly (readonly [mixers: readonly Mixer[], count: number])[],
  facts: {
    readonly hiddenSize?: number;
    readonly vocabSize?: number;
    readonly feedForward?: FeedForward;
  } = {},
): Architecture {
  const { hiddenSize = 1024, vocabSize = 32000, feedForward = { kind: "none" } } = facts;
  const kinds: LayerKind[] = layers.map(([mixers]) => ({
    mixers,
    feedForward,
    tensors: [],
  }));
  return finishArchitecture(
    {
      family: "hand",
      modelType: "hand",
      hiddenSize,
      vocabSize,
      tied: true,
      norm: "rms",
      stacks: [
        {
          role: "decoder",
          prefix: "layers",
          hiddenSize,
          kinds,
          counts: layers.map(([, count]) => count),
          runs: layers.map(([, count], kind) => ({ kind, count })),
        },
      ],
      tensors: [],
      notes: [],
    },
    "by hand",
  );
}

/** Grouped attention that keeps its own keys and values. */
export function grouped(
  kvHeads: number,
  dim: number,
  more: { readonly windowTokens?: number; readonly chunkTokens?: number; readonly queryHeads?: number } = {},
): Mixer {
  return {
    kind: "attention",
    queryHeads: kvHeads,
    kvHeads,
    keyDim: dim,
    valueDim: dim,
    cache: "own",
    ...more,
  };
}

/** Gated delta net: heads x key x value of state, a convolution over 2 keys and a value. */
export function gatedDelta(channels: number, stateElements: number): Mixer {
  return {
    kind: "recurrent",
    variant: "gated-delta",
    convChannels: channels,
    convKernel: 4,
    stateElements,
    heads: 16,
    innerDim: 2048,
    stateFormat: "fp32",
  };
}

/** Shapes of published models, from their config files. */
export const HAND = {
  llama31: handModel([[[grouped(8, 128)], 32]]),
  qwen25: handModel([[[grouped(4, 128)], 28]]),
  gptOss120: handModel([
    [[grouped(8, 64, { windowTokens: 128 })], 18],
    [[grouped(8, 64)], 18],
  ]),
  deepseekV3: handModel([
    [
      [
        {
          kind: "latent",
          queryHeads: 128,
          latentDim: 512,
          ropeDim: 64,
          nopeDim: 128,
          valueDim: 128,
          queryLatentDim: 1536,
        },
      ],
      61,
    ],
  ]),
  qwen35Small: handModel([
    [[gatedDelta(6144, 16 * 128 * 128)], 18],
    [[grouped(2, 256)], 6],
  ]),
} as const;
