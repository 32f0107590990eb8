/** CogVLM (arXiv:2311.03079) and GLM-4V: EVA-CLIP before llama with experts for images, and before GLM-4. */

import { part } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { DecoderSizes } from "../decoder-sizes.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { gatedMlp } from "../feed-forward.ts";
import type { Tensor } from "../model.ts";
import { linear } from "../tensors.ts";
import { evaClipVision } from "../towers/eva-clip-vision.ts";

/** Grouped heads mark the second model, whose image projections have a bias. */
const isSecond = (config: ConfigReader): boolean => config.has("num_multi_query_heads");

/** Attention and MLP once more, for the positions of an image. */
function imageExperts(config: ConfigReader, sizes: DecoderSizes): Tensor[] {
  const { hiddenSize, heads, kvHeads, headDim } = sizes;
  return [
    ...linear({
      name: "self_attn.vision_expert_query_key_value",
      role: "attn-qkv",
      group: "attention",
      outDim: (heads + 2 * kvHeads) * headDim,
      inDim: hiddenSize,
      split: "qkv",
      bias: isSecond(config),
    }),
    ...linear({
      name: "self_attn.vision_expert_dense",
      role: "attn-o",
      group: "attention",
      outDim: hiddenSize,
      inDim: hiddenSize,
      split: "row",
    }),
    ...gatedMlp({ name: "mlp.vision_mlp", hiddenSize, width: config.int("intermediate_size") }),
  ];
}

const cogvlmText = familyOf({
  id: "cogvlm",
  sizes: (config) => {
    const sizes = readDecoderSizes(config, { tied: false });
    const kvHeads = config.int("num_multi_query_heads", sizes.kvHeads);
    if (sizes.heads % kvHeads !== 0)
      config.fail("num_multi_query_heads", `a divisor of the ${sizes.heads} attention heads`);
    return { ...sizes, kvHeads };
  },
  attention: { fused: "language_expert_query_key_value", outName: "language_expert_dense" },
  mlpName: "mlp.language_mlp",
  layerExtras: imageExperts,
});

/**
 * The second model folds four patches into one before the text.
 *
 * @example CogVLM-17B: 6,738,415,616 + 6,476,005,376 + 4,425,264,384 = 17,639,685,376
 */
export const cogvlm = compositeFamily({
  id: "cogvlm",
  classNames: ["CogVLMForCausalLM", "CogVLMVideoForCausalLM"],
  text: { modelType: "cogvlm", readAs: cogvlmText },
  names: "unchanged",
  towers: (config) => {
    const vision = part(config, "vision_config");
    const bridge = { textSize: config.int("hidden_size"), width: config.int("intermediate_size") };
    return [
      evaClipVision(vision, "model.vision", {
        ...bridge,
        ...(isSecond(config) ? { folded: vision.int("hidden_size") } : {}),
      }),
    ];
  },
  vision: (config) => ({ merge: isSecond(config) ? 2 : 1, marks: 2 }),
  customCode: "llama with experts for images and EVA-CLIP",
});

/** GLM-4V-9B: four patches fold into one of the text's width. */
export const glm4v9b = {
  ...compositeFamily({
    id: "glm-4v",
    modelTypes: [],
    classNames: ["GLM4VForCausalLM"],
    text: { modelType: "chatglm", fixed: { vision_config: null } },
    names: "unchanged",
    towers: (config) => {
      const textSize = config.int("hidden_size");
      const bridge = { textSize, width: config.int("ffn_hidden_size"), folded: textSize };
      return [evaClipVision(part(config, "vision_config"), "transformer.vision", bridge)];
    },
    vision: () => ({ merge: 2, marks: 2 }),
    customCode: "GLM-4 with EVA-CLIP",
  }),
  insteadOf: { modelType: "chatglm", key: "vision_config" },
};
