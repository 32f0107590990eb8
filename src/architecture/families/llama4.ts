import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { moe } from "../moe.ts";
import { layerTypes } from "../stack.ts";

/**
 * Chunked attention of 8192 tokens except in the layers without rotary (every fourth), which see
 * everything. Layers in `moe_layers`, else every `interleave_moe_layer_step`-th, hold experts and a shared
 * MLP of the same width; the others a dense one of intermediate_size_mlp. Query and key norms have no weight.
 */
export const llama4Text = familyOf({
  id: "llama4_text",
  classNames: ["Llama4ForCausalLM"],
  classSizes: [5120, 8192, 48, 40, 202048],
  kvHeads: 8,
  headDim: 128,
  mixer: (config, sizes) => {
    const { layers, hiddenSize, heads, kvHeads, headDim } = sizes;
    const chunkTokens =
      config.raw.attention_chunk_size === null ? undefined : config.int("attention_chunk_size", 8192);
    const listed = layerTypes(config, layers);
    for (let layer = 0; listed !== undefined && layer < layers; layer++) {
      if (listed[layer] !== "full_attention" && listed[layer] !== "chunked_attention")
        config.fail("layer_types", "entries full_attention or chunked_attention");
    }
    const rotary = config.ints("no_rope_layers");
    const interval = config.int("no_rope_layer_interval", 4);
    if (rotary !== undefined && rotary.length > 0 && rotary.length < layers)
      config.fail("no_rope_layers", `a list of ${layers} zeros and ones`);
    const chunked = (layer: number): boolean =>
      listed !== undefined
        ? listed[layer] === "chunked_attention"
        : rotary !== undefined && rotary.length > 0
          ? rotary[layer] !== 0
          : (layer + 1) % interval !== 0;
    const bias = config.flag("attention_bias", false);
    return {
      keyOf: (layer) => String(chunked(layer)),
      build: (layer) =>
        selfAttention({
          name: "self_attn",
          hiddenSize,
          heads,
          kvHeads,
          keyDim: headDim,
          chunkTokens: chunked(layer) ? chunkTokens : undefined,
          bias: { qkv: bias, o: bias },
        }),
    };
  },
  experts: (config, { hiddenSize }) => {
    const width = config.int("intermediate_size", 8192);
    const listed = config.ints("moe_layers");
    const inList = new Set(listed);
    const step = config.int("interleave_moe_layer_step", 1);
    return {
      sparse: (layer) => (listed === undefined ? (layer + 1) % step === 0 : inList.has(layer)),
      denseWidth: config.int("intermediate_size_mlp", 16384),
      build: () =>
        moe({
          config,
          hiddenSize,
          experts: readExperts(config, { count: 16, active: 1 }, { count: "num_local_experts" }),
          width,
          name: "feed_forward",
          router: "router",
          shared: { name: "shared_expert", width },
        }),
    };
  },
  mlpName: "feed_forward",
});
