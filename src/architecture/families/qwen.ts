import type { ConfigReader } from "../config-reader.ts";
import { decoder, type FeedForwardParts, gatedFeedForward, readDecoderSizes } from "../decoder.ts";
import { activationOf, type Family } from "../family.ts";
import type { ArchitectureDraft } from "../model.ts";
import { experts } from "../tensors.ts";
import { qwenWindow } from "../windows.ts";

/** Llama with biases on q, k and v that no key announces. */
export const qwen2: Family = {
  id: "qwen2",
  modelTypes: ["qwen2"],
  classNames: ["Qwen2ForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 32 });
    const window = qwenWindow(config, sizes.layers);
    return decoder({
      family: "qwen2",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      attentionBias: { qkv: true },
      ...(window === undefined ? {} : { window }),
    });
  },
};

/** Qwen2 without those biases and with RMSNorm on each query and key head; head size 128 by default. */
export const qwen3: Family = {
  id: "qwen3",
  modelTypes: ["qwen3"],
  classNames: ["Qwen3ForCausalLM"],
  build: (config) => qwen3Decoder(config, "qwen3"),
};

/** Qwen3 attention over routed experts without a shared one. */
export const qwen3Moe: Family = {
  id: "qwen3_moe",
  modelTypes: ["qwen3_moe"],
  classNames: ["Qwen3MoeForCausalLM"],
  build: (config) => {
    const hiddenSize = config.int("hidden_size");
    const sparse = sparseLayers(config);
    return qwen3Decoder(config, "qwen3_moe", {
      isSparse: sparse,
      feedForward: (layer) =>
        sparse(layer) ? routedExperts(config, hiddenSize) : gatedFeedForward(config, hiddenSize),
    });
  },
};

function qwen3Decoder(
  config: ConfigReader,
  family: string,
  moe?: {
    readonly isSparse: (layer: number) => boolean;
    readonly feedForward: (layer: number) => FeedForwardParts;
  },
): ArchitectureDraft {
  const defaults = moe === undefined ? { kvHeads: 32, headDim: 128 } : { kvHeads: 4 };
  const sizes = readDecoderSizes(config, { tied: false, ...defaults });
  const bias = config.flag("attention_bias", false);
  const window = qwenWindow(config, sizes.layers);
  return decoder({
    family,
    config,
    sizes,
    tiedByDefault: false,
    norm: "rms",
    attentionBias: { qkv: bias, o: bias },
    qkNorm: "head",
    ...(window === undefined ? {} : { window }),
    ...(moe === undefined
      ? {}
      : {
          feedForward: moe.feedForward,
          keyOf: (layer: number) => `${moe.isSparse(layer)} ${window?.(layer)}`,
        }),
  });
}

/** Layer i has experts unless `mlp_only_layers` lists it or (i + 1) is off the `decoder_sparse_step`. */
export function sparseLayers(config: ConfigReader): (layer: number) => boolean {
  const step = config.int("decoder_sparse_step", 1);
  const dense = new Set(config.ints("mlp_only_layers") ?? []);
  return (layer) => !dense.has(layer) && (layer + 1) % step === 0;
}

function routedExperts(config: ConfigReader, hiddenSize: number): FeedForwardParts {
  const width = config.int("moe_intermediate_size");
  const count = config.int(["num_experts", "num_local_experts"]);
  const active = config.int("num_experts_per_tok", 8);
  if (active > count) config.fail("num_experts_per_tok", `at most the ${count} experts`);
  return {
    feedForward: {
      kind: "experts",
      experts: count,
      activeExperts: active,
      width,
      gated: true,
      activation: activationOf(config, "silu"),
      sharedWidth: 0,
    },
    tensors: experts({
      name: "mlp.experts",
      router: "mlp.gate",
      hiddenSize,
      width,
      experts: count,
      activeExperts: active,
    }),
  };
}
