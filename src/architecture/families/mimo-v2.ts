import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { expertsOf } from "../expert-rules.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { layerTypes } from "../stack.ts";
import { vector } from "../tensors.ts";
import { windowTokensOf } from "../windows.ts";

/**
 * MiMo-V2-Flash: value heads narrower than key heads; sliding layers have their own heads, twice the KV
 * heads unless stated, and one sink per query head.
 */
export const mimoV2 = familyOf({
  id: "mimo_v2_flash",
  classNames: ["MiMoV2FlashForCausalLM"],
  classSizes: [4096, 16384, 48, 64, 152576],
  kvHeads: 4,
  headDim: 192,
  mixer: (config, sizes) => {
    const { hiddenSize, layers } = sizes;
    const slides = slidingLayers(config, layers);
    const windowTokens = windowTokensOf(config, 128);
    const bias = config.flag("attention_bias", false);
    const full = {
      heads: sizes.heads,
      kvHeads: sizes.kvHeads,
      keyDim: sizes.headDim,
      valueDim: config.int("v_head_dim", 128),
      sinks: config.flag("add_full_attention_sink_bias", false),
    };
    const sliding = {
      heads: config.int("swa_num_attention_heads", full.heads),
      kvHeads: config.int("swa_num_key_value_heads", 2 * full.kvHeads),
      keyDim: config.int("swa_head_dim", full.keyDim),
      valueDim: config.int("swa_v_head_dim", full.valueDim),
      sinks: config.flag("add_swa_attention_sink_bias", true),
    };
    if (sliding.heads % sliding.kvHeads !== 0)
      config.fail("swa_num_key_value_heads", `a divisor of the ${sliding.heads} attention heads`);
    return {
      keyOf: (layer) => (slides(layer) ? "sliding" : "full"),
      build: (layer) => {
        const { sinks, ...own } = slides(layer) ? sliding : full;
        const { mixers, tensors } = selfAttention({
          name: "self_attn",
          hiddenSize,
          ...own,
          windowTokens: slides(layer) ? windowTokens : undefined,
          bias: { qkv: bias },
        });
        return {
          mixers,
          tensors: [
            ...tensors,
            ...(sinks ? [vector("self_attn.sinks", "attention", [own.heads], "heads")] : []),
          ],
        };
      },
    };
  },
  experts: expertsOf({
    count: 256,
    active: 8,
    width: 2048,
    firstDense: 1,
    choiceBias: "buffer",
    shared: { count: ["n_shared_experts", 0] },
  }),
});

/** `layer_types`, else the zeros and ones of `hybrid_layer_pattern`, else full at 0 and every sixth layer. */
function slidingLayers(config: ConfigReader, layers: number): (layer: number) => boolean {
  const types = layerTypes(config, layers);
  if (types !== undefined) {
    if (types.slice(0, layers).some((type) => type !== "full_attention" && type !== "sliding_attention"))
      config.fail("layer_types", "entries full_attention or sliding_attention");
    return (layer) => types[layer] === "sliding_attention";
  }
  const pattern = config.ints("hybrid_layer_pattern");
  if (pattern === undefined) return (layer) => layer !== 0 && (layer + 1) % 6 !== 0;
  if (pattern.length < layers || pattern.slice(0, layers).some((n) => n > 1))
    config.fail("hybrid_layer_pattern", `a list of ${layers} zeros and ones`);
  return (layer) => pattern[layer] === 1;
}
