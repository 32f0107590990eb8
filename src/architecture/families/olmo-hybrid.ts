/** OLMo Hybrid: three gated delta nets with norms before, then one attention with norms behind. */

import { withClassSizes } from "../class-defaults.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { gatedDeltaBlock } from "../mixers/linear-attention.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import { layerTypes } from "../stack.ts";
import { norm } from "../tensors.ts";

export const olmoHybrid: Family = {
  id: "olmo_hybrid",
  modelTypes: ["olmo_hybrid"],
  classNames: ["OlmoHybridForCausalLM"],
  build: (given) => {
    const { config, notes } = withClassSizes(given, [3840, 11_008, 32, 30, 100_352]);
    const sizes = readDecoderSizes(config, { tied: false });
    const { hiddenSize, layers, heads, kvHeads, headDim } = sizes;
    const types = layerTypes(config, layers, ["layer_types"], ["linear_attention", "full_attention"]);
    const isFull = (layer: number): boolean =>
      types === undefined ? layer % 4 === 3 : types[layer] === "full_attention";
    const bias = config.flag("attention_bias", false);
    const keyHeads = config.int("linear_num_key_heads", heads);
    const valueHeads = config.int("linear_num_value_heads", heads);
    const stated = Math.floor((0.75 * hiddenSize) / keyHeads);
    const keyDim = config.int("linear_key_head_dim", Math.max(1, stated));
    const normed = (parts: MixerParts, name: string): MixerParts => ({
      ...parts,
      tensors: [...parts.tensors, ...norm(name, hiddenSize)],
    });
    const attention = normed(
      selfAttention({
        name: "self_attn",
        hiddenSize,
        heads,
        kvHeads,
        keyDim: headDim,
        bias: { qkv: bias, o: bias },
        qkNorm: "projection",
      }),
      "post_feedforward_layernorm",
    );
    const delta = normed(
      gatedDeltaBlock({
        name: "linear_attn",
        hiddenSize,
        keyHeads,
        valueHeads,
        keyDim,
        valueDim: config.int("linear_value_head_dim", 2 * keyDim),
        convKernel: config.int("linear_conv_kernel_dim", 4),
        inputs: "q-k-v-a-b-g",
      }),
      "input_layernorm",
    );
    return decoder({
      family: "olmo_hybrid",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: ["post_attention_layernorm"],
      mixer: (layer) => (isFull(layer) ? attention : delta),
      keyOf: (layer) => String(isFull(layer)),
      notes,
    });
  },
};
