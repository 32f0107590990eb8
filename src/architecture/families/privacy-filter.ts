import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { withDefaults } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { stackOf } from "../stack.ts";
import { embedding, norm, vector } from "../tensors.ts";
import { gptOssExperts } from "./gpt-oss.ts";

/** gpt-oss read from both sides within a window, every layer of experts, and a head that names spans. */
export const privacyFilter: Family = {
  id: "openai_privacy_filter",
  modelTypes: ["openai_privacy_filter"],
  classNames: ["OpenAIPrivacyFilterModel", "OpenAIPrivacyFilterForTokenClassification"],
  build: (given) => {
    const config = withDefaults(given, {
      vocab_size: 200_064,
      hidden_size: 640,
      intermediate_size: 640,
      num_hidden_layers: 8,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      head_dim: 64,
      num_labels: 33,
    });
    const named = classNamed(config, [
      "OpenAIPrivacyFilterModel",
      "OpenAIPrivacyFilterForTokenClassification",
    ]);
    const classifies = named === "OpenAIPrivacyFilterForTokenClassification";
    const prefix = classifies ? "model." : "";
    const hiddenSize = config.int("hidden_size");
    const vocabSize = config.int("vocab_size");
    const heads = config.int("num_attention_heads");
    const kvHeads = config.int("num_key_value_heads");
    if (heads % kvHeads !== 0)
      config.fail("num_key_value_heads", `a divisor of the ${heads} attention heads`);
    const bias = config.flag("attention_bias", true);
    return {
      family: "openai_privacy_filter",
      modelType: "openai_privacy_filter",
      hiddenSize,
      vocabSize,
      tied: false,
      norm: "rms",
      stacks: [
        stackOf({
          role: "encoder",
          prefix: `${prefix}layers`,
          hiddenSize,
          layers: config.layers("num_hidden_layers"),
          build: () => {
            const attention = selfAttention({
              name: "self_attn",
              hiddenSize,
              heads,
              kvHeads,
              keyDim: config.int("head_dim"),
              bias: { qkv: bias, o: bias },
              windowTokens: config.optionalInt("sliding_window"),
              cache: "none",
            });
            const sparse = gptOssExperts(config, hiddenSize);
            return {
              mixers: attention.mixers,
              feedForward: sparse.feedForward,
              tensors: [
                vector("self_attn.sinks", "attention", [heads], "heads"),
                ...attention.tensors,
                ...sparse.tensors,
                ...norm("input_layernorm", hiddenSize),
                ...norm("post_attention_layernorm", hiddenSize),
              ],
            };
          },
        }),
      ],
      tensors: [
        embedding(`${prefix}embed_tokens`, vocabSize, hiddenSize),
        ...norm(`${prefix}norm`, hiddenSize),
        ...(classifies ? headLinear("score", labelCount(config), hiddenSize) : []),
      ],
      notes: [],
    };
  },
};
