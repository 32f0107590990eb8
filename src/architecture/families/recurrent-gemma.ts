import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import { convolution, linear, vector } from "../tensors.ts";

/** A gated linear recurrence of width w (arXiv:2402.19427): two inputs, convolution, block-diagonal gates, output. */
function linearRecurrence(spec: {
  readonly hiddenSize: number;
  readonly width: number;
  readonly heads: number;
  readonly convKernel: number;
}): MixerParts {
  const { hiddenSize, width, heads, convKernel } = spec;
  const group = "recurrent";
  const at = (name: string): string => `temporal_block.${name}`;
  const block = width / heads;
  const into = (name: string) =>
    linear({
      name: at(name),
      role: "recurrent-in",
      group,
      outDim: width,
      inDim: hiddenSize,
      bias: true,
      split: "column",
    });
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "rg-lru",
        convChannels: width,
        convKernel,
        stateElements: width,
        heads,
        innerDim: width,
        stateFormat: "fp32",
      },
    ],
    tensors: [
      ...into("linear_y"),
      ...into("linear_x"),
      ...linear({
        name: at("linear_out"),
        role: "recurrent-out",
        group,
        outDim: hiddenSize,
        inDim: width,
        bias: true,
        split: "row",
      }),
      ...convolution({
        name: at("conv_1d"),
        group,
        shape: [width, 1, convKernel],
        bias: true,
        split: "column",
      }),
      vector(at("rg_lru.recurrent_param"), group, [width], "column"),
      ...["input_gate", "recurrent_gate"].flatMap((gate) => [
        vector(at(`rg_lru.${gate}_weight`), group, [heads, block, block], "column"),
        vector(at(`rg_lru.${gate}_bias`), group, [heads, block], "column"),
      ]),
    ],
  };
}

/** Two linear recurrences, then one local attention of attention_window_size; the MLP is half as wide as stated. */
export const recurrentGemma: Family = {
  id: "recurrent_gemma",
  modelTypes: ["recurrent_gemma"],
  classNames: ["RecurrentGemmaForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: true });
    const { hiddenSize, heads, kvHeads, headDim } = sizes;
    const width = config.int("lru_width", hiddenSize);
    if (width % heads !== 0) config.fail("lru_width", `a multiple of the ${heads} heads`);
    const kinds = config.texts(["block_types", "_block_types"]) ?? ["recurrent", "recurrent", "attention"];
    if (kinds.length === 0 || kinds.some((kind) => kind !== "recurrent" && kind !== "attention"))
      config.fail("block_types", "blocks recurrent or attention");
    const isAttention = (layer: number): boolean => kinds[layer % kinds.length] === "attention";
    const bias = config.flag("attention_bias", false);
    const attention = selfAttention({
      name: "temporal_block",
      hiddenSize,
      heads,
      kvHeads,
      keyDim: headDim,
      bias: { qkv: bias, o: true },
      windowTokens: config.int(["attention_window_size", "sliding_window"], 2048),
    });
    const recurrence = linearRecurrence({
      hiddenSize,
      width,
      heads,
      convKernel: config.int("conv1d_width", 4),
    });
    const stated = config.int("intermediate_size");
    if (stated < 2) config.fail("intermediate_size", "at least 2, as the MLP is half as wide");
    return decoder({
      family: "recurrent_gemma",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms-plus-one",
      layerNorms: ["temporal_pre_norm", "channel_pre_norm"],
      names: { finalNorm: "model.final_norm" },
      mixer: (layer) => (isAttention(layer) ? attention : recurrence),
      feedForward: () =>
        gatedFeedForward(config, hiddenSize, {
          name: "mlp_block",
          width: Math.floor(stated / 2),
          bias: true,
          activation: "gelu_pytorch_tanh",
        }),
      keyOf: (layer) => String(isAttention(layer)),
    });
  },
};
