/** Step 1 and Step 3 of StepFun: few KV heads, ALiBi; one KV head and queries of low rank beside experts. */

import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { expertsOf } from "../expert-rules.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { convolution, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { clipLayer } from "../towers/image-encoders.ts";
import { imagePatches, inGroup, patchCount, type Tower, towerOf } from "../towers/tower.ts";
import { LLAMA } from "./llama.ts";
import { stepSparseLayers } from "./step.ts";

/** `num_attention_groups` counts the KV heads, one when nothing does; ALiBi holds no positions. */
export const step1 = familyOf({
  ...LLAMA,
  id: "step1",
  classNames: ["Step1ForCausalLM"],
  tied: true,
  sizes: (config) => ({
    ...readDecoderSizes(config, { tied: true, kvHeads: 1 }),
    ...(config.has("num_attention_groups") ? { kvHeads: config.int("num_attention_groups") } : {}),
  }),
  customCode: "llama with ALiBi",
});

/** One KV head for all queries, which come from a normed low-rank projection; a shared expert. */
const STEP3: DecoderRow = {
  id: "step3_text",
  classNames: ["Step3TextForCausalLM"],
  kvHeads: 1,
  headDim: 256,
  mixer: (config, { hiddenSize, heads, headDim }) => {
    const rank = config.int("share_q_dim", headDim);
    const shared = selfAttention({ name: "self_attn", hiddenSize, heads, kvHeads: 1, keyDim: headDim });
    return {
      build: () => ({
        mixers: shared.mixers,
        tensors: [
          ...shared.tensors.filter(({ name }) => !name.includes("q_proj")),
          ...linear({
            name: "self_attn.q_proj",
            role: "attn-q-a",
            group: "attention",
            outDim: rank,
            inDim: hiddenSize,
          }),
          ...norm("self_attn.inter_norm", rank),
          ...linear({
            name: "self_attn.wq",
            role: "attn-q-b",
            group: "attention",
            outDim: heads * headDim,
            inDim: rank,
            split: "heads",
          }),
        ],
      }),
    };
  },
  experts: expertsOf({
    width: "moe_intermediate_size",
    sparse: (config, layers) => stepSparseLayers(config, layers, 1),
    name: "moe",
    shared: { name: "share_expert", width: ["share_expert_dim"] },
  }),
  customCode: "one KV head, queries of low rank, experts",
};
export const step3Text = familyOf(STEP3);

/** A layer as CLIP has it, its norms behind attention and MLP; a class token; patches with a bias. */
function stepVision(config: ConfigReader, prefix: string): Tower {
  const hiddenSize = config.int("hidden_size");
  return towerOf({
    role: "vision",
    prefix: `${prefix}.transformer.layers`,
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    layer: clipLayer(config, "quick_gelu"),
    outside: [
      vector(`${prefix}.embeddings.class_embedding`, "vision", [1, hiddenSize]),
      ...imagePatches(config, `${prefix}.embeddings.patch_embedding`, hiddenSize),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, patchCount(config) + 1, hiddenSize),
    ],
  });
}

/** Step3-VL: two convolutions that halve each side, and a linear. */
export const step3Vl = compositeFamily({
  id: "step3_vl",
  classNames: ["Step3VLForConditionalGeneration"],
  text: { modelType: "step3_text", readAs: "step3_text" },
  names: "unchanged",
  towers: (config) => [stepVision(part(config, "vision_config"), "vision_model")],
  projector: ({ config, textSize, visionSize }) => {
    const width = part(config, "vision_config").int("output_hidden_size", 4096);
    const conv = (name: string, outDim: number, inDim: number, side: number) =>
      convolution({ name, group: "projector", shape: [outDim, inDim, side, side], bias: true });
    return [
      ...inGroup("projector", [
        ...conv("vit_downsampler", width, visionSize, 2),
        ...conv("vit_downsampler2", 2 * width, width, 3),
      ]),
      ...projection("vit_large_projector", textSize, 2 * width, config.flag("projector_bias", false)),
    ];
  },
  // Crops of 504 pixels besides the whole image; two strides of two.
  vision: () => ({ sizing: "tiles", imageSize: 504, merge: 4, mostTiles: 36 }),
  customCode: "Step 3 with a ViT and convolutions",
});
