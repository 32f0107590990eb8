/** PLaMo 2 and 3: norms around mixer and MLP; in the second, Mamba between attention layers. */

import type { ConfigReader } from "../config-reader.ts";
import { type DecoderRow, familyOf, type MixerRule } from "../decoder-row.ts";
import { type DecoderSizes, readDecoderSizes } from "../decoder-sizes.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import { periodicWindow } from "../windows.ts";

const PLAMO = {
  tied: true,
  layerNorms: ["pre_mixer_norm", "post_mixer_norm", "pre_mlp_norm", "post_mlp_norm"],
  fusedGateUp: "gate_up_proj",
  names: { layers: "model.layers.layers" },
} as const satisfies Partial<DecoderRow>;

/**
 * With d = heads * head size, ds columns of state and R = max(64, h / 16) the rank of the step: in lin(h, 2d),
 * conv d*K, bcdt lin(d, R + 2*ds), dt lin(R, heads), A, D and dt_bias 3*heads, norms R + 2*ds, out lin(d, h).
 */
function plamoMamba(config: ConfigReader, hiddenSize: number, headDim: number): MixerParts {
  const heads = config.int("mamba_num_heads", 32);
  const stateDim = config.int("mamba_d_state", 64);
  const convKernel = config.int("mamba_d_conv", 4);
  const rank = Math.max(64, Math.floor(hiddenSize / 16));
  const innerDim = heads * headDim;
  const group = "recurrent";
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "mamba2",
        convChannels: innerDim,
        convKernel,
        stateElements: innerDim * stateDim,
        heads,
        innerDim,
      },
    ],
    tensors: [
      ...linear({
        name: "mixer.in_proj",
        role: "recurrent-in",
        group,
        outDim: 2 * innerDim,
        inDim: hiddenSize,
        split: "column",
      }),
      ...convolution({ name: "mixer.conv1d", group, shape: [innerDim, 1, convKernel], split: "column" }),
      ...linear({
        name: "mixer.bcdt_proj",
        role: "recurrent",
        group,
        outDim: rank + 2 * stateDim,
        inDim: innerDim,
        split: "row",
      }),
      ...linear({
        name: "mixer.dt_proj",
        role: "recurrent",
        group,
        outDim: heads,
        inDim: rank,
        split: "column",
      }),
      ...["A_log", "D", "dt_bias"].map((name) => vector(`mixer.${name}`, group, [heads], "column")),
      ...norm("mixer.dt_norm", rank),
      ...norm("mixer.B_norm", stateDim),
      ...norm("mixer.C_norm", stateDim),
      ...linear({
        name: "mixer.out_proj",
        role: "recurrent-out",
        group,
        outDim: hiddenSize,
        inDim: innerDim,
        split: "row",
      }),
    ],
  };
}

/** The middle layer of every `mamba_step` attends; of too few layers, the last one. */
function plamo2Mixer(config: ConfigReader, sizes: DecoderSizes): MixerRule {
  const { hiddenSize, layers, heads, kvHeads, headDim } = sizes;
  const step = config.int("mamba_step", 2);
  const middle = Math.floor(step / 2);
  const attends = (layer: number): boolean =>
    !config.flag("mamba_enabled", true) ||
    (layers <= middle ? layer === layers - 1 : layer % step === middle);
  return {
    keyOf: (layer) => String(attends(layer)),
    build: (layer) =>
      attends(layer)
        ? selfAttention({
            name: "mixer",
            fused: "qkv_proj",
            hiddenSize,
            heads,
            kvHeads,
            keyDim: headDim,
            qkNorm: "projection",
          })
        : plamoMamba(config, hiddenSize, headDim),
  };
}

/** A norm of its own for each query and key head. */
export const plamo2 = familyOf({
  ...PLAMO,
  id: "plamo2",
  classNames: ["Plamo2ForCausalLM", "PlamoForCausalLM"],
  sizes: (config) => ({
    ...readDecoderSizes(config, { tied: true }),
    headDim: config.int("hidden_size_per_head", 128),
  }),
  mixer: plamo2Mixer,
  customCode: "attention and Mamba between norms",
});

/** Windows of 2,048 tokens but in every eighth layer. */
export const plamo3 = familyOf({
  ...PLAMO,
  id: "plamo3",
  classNames: ["Plamo3ForCausalLM"],
  headDim: 128,
  attention: { name: "mixer", fused: "qkv_proj" },
  qkNorm: "head",
  window: (config, layers) =>
    periodicWindow(config, layers, { period: 8, windowTokens: config.int("window_size", 2048) }),
  customCode: "attention between norms, in windows",
});
