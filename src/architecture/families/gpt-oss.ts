import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import type { FeedForwardParts } from "../feed-forward.ts";
import { moe } from "../moe.ts";
import { tensor } from "../tensors.ts";
import { listedWindow, windowTokensOf } from "../windows.ts";

/** Experts and a router with biases: 128 of which 4 work where the file does not say. */
export const gptOssExperts = (config: ConfigReader, hiddenSize: number): FeedForwardParts =>
  moe({
    config,
    hiddenSize,
    experts: readExperts(config, { count: 128, active: 4 }, { count: ["num_local_experts", "num_experts"] }),
    width: config.int("intermediate_size"),
    router: "router",
    routerBias: true,
    expertBias: true,
  });

/** Biases everywhere but the head, one sink per query head, every second layer slides over 128 tokens. */
export const gptOss = familyOf({
  id: "gpt_oss",
  classNames: ["GptOssForCausalLM"],
  classSizes: [2880, 2880, 36, 64, 201088],
  kvHeads: 8,
  headDim: 64,
  qkvBias: { key: "attention_bias", otherwise: true },
  oBias: { key: "attention_bias", otherwise: true },
  window: (config, layers) => {
    const windowTokens = windowTokensOf(config, 128);
    return (
      listedWindow(config, layers, windowTokens) ?? ((layer) => (layer % 2 === 0 ? windowTokens : undefined))
    );
  },
  layerExtras: (_config, { heads }) => [
    tensor({
      name: "self_attn.sinks",
      role: "other",
      kind: "vector",
      group: "attention",
      shape: [heads],
      split: "heads",
    }),
  ],
  experts: (config, { hiddenSize }) => ({
    sparse: () => true,
    build: () => gptOssExperts(config, hiddenSize),
  }),
});
