/** Grouped attention whose output is gated by a projection of the input: Laguna, Trinity, Muse Glimmer; Step 3.5 beside it. */

import type { ConfigReader } from "../config-reader.ts";
import { familyOf, type MixerRule } from "../decoder-row.ts";
import type { DecoderSizes } from "../decoder-sizes.ts";
import { readExperts } from "../expert-counts.ts";
import { expertsOf } from "../expert-rules.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { moe } from "../moe.ts";
import { layerInts } from "../stack.ts";
import { linear } from "../tensors.ts";
import { listedWindow, type Window, windowTokensOf } from "../windows.ts";

/** Gate width of a layer with `heads` heads: one per head, or one per channel. */
type GateWidth = (heads: number) => number;

/** Attention with a gate on its output; heads and windows may differ from layer to layer. */
export function gatedMixer(
  config: ConfigReader,
  sizes: DecoderSizes,
  layer: {
    readonly heads: (layer: number) => number;
    readonly window: Window;
    readonly gate: { readonly name: string; readonly width: GateWidth };
    readonly qkNorm: boolean;
  },
): MixerRule {
  const { hiddenSize, kvHeads, headDim } = sizes;
  const bias = config.flag("attention_bias", false);
  return {
    keyOf: (i) => `${layer.heads(i)} ${layer.window(i)}`,
    build: (i) => {
      const heads = layer.heads(i);
      if (heads % kvHeads !== 0)
        config.fail("num_key_value_heads", `a divisor of the ${heads} attention heads of layer ${i}`);
      const { mixers, tensors } = selfAttention({
        name: "self_attn",
        hiddenSize,
        heads,
        kvHeads,
        keyDim: headDim,
        windowTokens: layer.window(i),
        bias: { qkv: bias, o: bias },
        qkNorm: layer.qkNorm ? "head" : undefined,
      });
      return {
        mixers,
        tensors: [
          ...tensors,
          ...linear({
            name: `self_attn.${layer.gate.name}`,
            role: "attn-gate",
            group: "attention",
            outDim: layer.gate.width(heads),
            inDim: hiddenSize,
            split: "heads",
          }),
        ],
      };
    },
  };
}

/** `gating`: true and "per-head" gate whole heads, "per-element" (and false) every channel. */
export function gateWidth(config: ConfigReader, headDim: number): GateWidth {
  const gating = config.raw.gating;
  const perHead = gating === undefined || gating === true || gating === "per-head";
  if (!perHead && gating !== "per-element" && gating !== false)
    config.fail("gating", "true, per-head or per-element");
  return (heads) => (perHead ? heads : heads * headDim);
}

/** Laguna: head counts per layer, one gate per head or channel, a choice bias that counts as a parameter. */
export const laguna = familyOf({
  id: "laguna",
  classNames: ["LagunaForCausalLM"],
  classSizes: [2048, 8192, 40, 48, 100352],
  kvHeads: 8,
  headDim: 128,
  mixer: (config, sizes) =>
    gatedMixer(config, sizes, {
      heads: layerInts(config, ["num_attention_heads_per_layer"], sizes.layers, sizes.heads),
      window: listedWindow(config, sizes.layers, windowTokensOf(config, 512)) ?? (() => undefined),
      gate: { name: "g_proj", width: gateWidth(config, sizes.headDim) },
      qkNorm: true,
    }),
  experts: expertsOf({
    count: 256,
    active: 8,
    width: 512,
    firstDense: 1,
    choiceBias: "parameter",
    shared: { width: ["shared_expert_intermediate_size", 512] },
  }),
});

/** Trinity: a gate per channel, norms around both sublayers, a choice bias that counts as a parameter. */
export const afmoe = familyOf({
  id: "afmoe",
  classNames: ["AfmoeForCausalLM"],
  classSizes: [2048, 6144, 32, 16, 200192],
  headDim: 128,
  layerNorms: ["input_layernorm", "post_attention_layernorm", "pre_mlp_layernorm", "post_mlp_layernorm"],
  mixer: (config, sizes) => {
    const windowTokens = windowTokensOf(config, 1024);
    const every = config.int("global_attn_every_n_layers", 4);
    return gatedMixer(config, sizes, {
      heads: () => sizes.heads,
      window:
        listedWindow(config, sizes.layers, windowTokens) ??
        ((layer) => ((layer + 1) % every === 0 ? undefined : windowTokens)),
      gate: { name: "gate_proj", width: (heads) => heads * sizes.headDim },
      qkNorm: true,
    });
  },
  experts: (config, { hiddenSize }) => {
    const width = config.int("moe_intermediate_size", 1408);
    const dense = config.count("num_dense_layers", 1);
    return {
      sparse: (layer) => layer >= dense,
      build: () =>
        moe({
          config,
          hiddenSize,
          experts: readExperts(config, { count: 64, active: 6 }),
          width,
          router: "router.gate",
          choiceBias: "parameter",
          choiceBiasName: "expert_bias",
          shared: { name: "shared_experts", width: width * config.count("num_shared_experts", 2) },
        }),
    };
  },
});

/** Muse Glimmer: a gate per channel, norms of q and k without weights, every fourth layer from the end full. */
export const museGlimmerText = familyOf({
  id: "muse_glimmer_text",
  classNames: ["MuseGlimmerForCausalLM"],
  classSizes: [6656, 19968, 52, 32, 202048],
  kvHeads: 2,
  headDim: 128,
  layerNorms: [
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
  ],
  mixer: (config, sizes) => {
    const windowTokens = windowTokensOf(config, 2048);
    return gatedMixer(config, sizes, {
      heads: () => sizes.heads,
      window:
        listedWindow(config, sizes.layers, windowTokens) ??
        ((layer) => ((sizes.layers - 1 - layer) % 4 === 0 ? undefined : windowTokens)),
      gate: { name: "gate_proj", width: (heads) => heads * sizes.headDim },
      qkNorm: false,
    });
  },
});
