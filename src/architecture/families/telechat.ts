/** TeleChat 1 and 2: llama under Bloom's keys and names. */

import { familyOf } from "../decoder-row.ts";
import { norm, tensor } from "../tensors.ts";

/**
 * Biases behind attention and MLP alone, a tied head. Files hold keys and values as one tensor; here they are two.
 *
 * @example TeleChat-7B: 160,256 x 4096 + 30 x (4 x 4096^2 + 3 x 4096 x 12,288 + 4 x 4096) + 4096 = 7,200,018,432
 */
export const telechat = familyOf({
  id: "telechat",
  classNames: ["TelechatForCausalLM", "TeleChatForCausalLM", "TeleChat2ForCausalLM"],
  tied: true,
  oBias: true,
  attention: { name: "self_attention", names: ["query", "key", "value", "dense"] },
  names: {
    embedding: "transformer.word_embeddings",
    layers: "transformer.h",
    finalNorm: "transformer.ln_f",
  },
  layerExtras: (_config, { hiddenSize }) => [
    tensor({ name: "mlp.down_proj.bias", role: "mlp-down", kind: "bias", group: "mlp", shape: [hiddenSize] }),
  ],
  extras: (config, { hiddenSize }) =>
    config.flag("embed_layernorm", false) ? norm("transformer.word_embeddings_layernorm", hiddenSize) : [],
  customCode: "llama with biases behind attention and MLP",
});
