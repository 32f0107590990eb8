/** OpenELM: heads and MLP widths of their own in every layer. */

import { type ConfigReader, overriding } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { customCodeNote } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";

/** As many numbers above 0 as there are layers. */
function perLayer(config: ConfigReader, key: string, layers: number): readonly number[] {
  const list = config.raw[key];
  const expected = `a list of ${layers} numbers above 0`;
  if (!Array.isArray(list) || list.length < layers) return config.fail(key, expected);
  const values = list.slice(0, layers) as readonly unknown[];
  if (!values.every((value): value is number => typeof value === "number" && value > 0 && value < 1e6))
    return config.fail(key, expected);
  return values;
}

/** The multiple of `divisor` nearest to `value`, and never less than nine tenths of it. */
function divisible(value: number, divisor: number): number {
  const nearest = Math.max(divisor, Math.floor((value + divisor / 2) / divisor) * divisor);
  return nearest < 0.9 * value ? nearest + divisor : nearest;
}

/**
 * q, k and v in one matrix, gate and up in one; RMSNorms of queries and keys where normalize_qk_projections says so.
 *
 * Source: apple/OpenELM `modeling_openelm.py`.
 * @example OpenELM-270M: 271,527,168 parameters
 */
export const openElm: Family = {
  id: "openelm",
  modelTypes: ["openelm"],
  classNames: ["OpenELMForCausalLM"],
  build: (config) => {
    const hiddenSize = config.int("model_dim");
    const layers = config.layers("num_transformer_layers");
    const headDim = config.int("head_dim");
    const queryHeads = perLayer(config, "num_query_heads", layers);
    const kvHeads = perLayer(config, "num_kv_heads", layers);
    const multipliers = perLayer(config, "ffn_multipliers", layers);
    const divisor = config.int("ffn_dim_divisor", 256);
    for (let layer = 0; layer < layers; layer++) {
      const [q, kv] = [queryHeads[layer]!, kvHeads[layer]!];
      if (!Number.isInteger(q) || !Number.isInteger(kv) || q % kv !== 0)
        config.fail("num_kv_heads", `whole numbers that divide num_query_heads, in layer ${layer} too`);
    }
    if (!config.flag("ffn_with_glu", true)) config.fail("ffn_with_glu", "true");
    const normed = config.flag("normalize_qk_projections", false);
    const tied = config.flag("share_input_output_layers", true);
    const draft = decoder({
      family: "openelm",
      config: overriding(config, { max_position_embeddings: config.int("max_context_length", 2048) }),
      sizes: {
        hiddenSize,
        layers,
        vocabSize: config.int("vocab_size"),
        heads: queryHeads[0] ?? 1,
        kvHeads: kvHeads[0] ?? 1,
        headDim,
      },
      tiedByDefault: tied,
      norm: "rms",
      layerNorms: ["attn_norm", "ffn_norm"],
      mixer: (layer) =>
        selfAttention({
          name: "attn",
          hiddenSize,
          heads: queryHeads[layer]!,
          kvHeads: kvHeads[layer]!,
          keyDim: headDim,
          fused: "qkv_proj",
          outName: "out_proj",
          ...(normed ? { qkNorm: "head" } : {}),
        }),
      feedForward: (layer) =>
        gatedFeedForward(config, hiddenSize, {
          name: "ffn",
          width: divisible(multipliers[layer]! * hiddenSize, divisor),
          names: ["gate", "up", "proj_2"],
          fused: "proj_1",
        }),
      keyOf: (layer) => `${queryHeads[layer]} ${kvHeads[layer]} ${multipliers[layer]}`,
      names: {
        embedding: "transformer.token_embeddings",
        layers: "transformer.layers",
        finalNorm: "transformer.norm",
      },
    });
    return { ...draft, notes: [...draft.notes, customCodeNote("openelm", "llama with heads by layer")] };
  },
};
