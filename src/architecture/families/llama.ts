import { decoder, gatedFeedForward, readDecoderSizes } from "../decoder.ts";
import type { Family } from "../family.ts";

/** RMSNorm, rotary, grouped heads, SwiGLU; `attention_bias` covers q, k, v and o. */
export const llama: Family = {
  id: "llama",
  modelTypes: ["llama"],
  classNames: ["LlamaForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false });
    const bias = config.flag("attention_bias", false);
    const mlpBias = config.flag("mlp_bias", false);
    return decoder({
      family: "llama",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      attentionBias: { qkv: bias, o: bias },
      feedForward: () => gatedFeedForward(config, sizes.hiddenSize, { bias: mlpBias }),
    });
  },
};
