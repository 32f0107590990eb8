/** Towers whose patches are merged before the text reads them: Qianfan-OCR, MiniCPM-V 4.6, Step 3.7, HyperCLOVA X. */
import { type LanguageModelOptions, part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { Tensor } from "../model.ts";
import { convolution, norm } from "../tensors.ts";
import { siglip2Vision, siglipVision, type TowerBuilder } from "../towers/image-encoders.ts";
import { internVisionNative } from "../towers/intern-vision.ts";
import { qwen25Vision } from "../towers/qwen-vision.ts";
import { inGroup } from "../towers/tower.ts";
import { ratioWidth, VIT_NAMES, vitTower } from "../towers/vit.ts";

const biasedNorm = (name: string, size: number): Tensor[] => inGroup("projector", norm(name, size, "bias"));

/** 1 / downsample_ratio patches along each side become one. */
function foldedSide(config: ConfigReader): number {
  const side = Math.floor(1 / config.number("downsample_ratio", 0.5));
  if (!(side >= 1 && side <= 64)) config.fail("downsample_ratio", "a ratio from 1/64 to 1");
  return side;
}

/** InternViT with biased projections; a norm and two linears. */
export const qianfanOcr = compositeFamily({
  id: "qianfan_ocr",
  classNames: ["QianfanOCRForConditionalGeneration"],
  text: { modelType: "qwen3", ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [qianfanVision(part(config, "vision_config"), "model.vision_tower")],
  projector: ({ config, textSize, visionSize }) => {
    const at = (name: string): string => `model.multi_modal_projector.${name}`;
    const folded = visionSize * foldedSide(config) ** 2;
    return [
      ...biasedNorm(at("layer_norm"), folded),
      ...projection(at("linear_1"), textSize, folded, true),
      ...projection(at("linear_2"), textSize, textSize, true),
    ];
  },
});

export const qianfanVision: TowerBuilder = (config, prefix) =>
  internVisionNative(config, prefix, { qkvBias: true });

/** Qwen2.5-VL's tower and one biased matrix. */
export const hyperClovaXVision = compositeFamily({
  id: "hyperclovax_vision_v2",
  classNames: ["HyperCLOVAXVisionV2ForConditionalGeneration"],
  text: { modelType: "hyperclovax", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [qwen25Vision(visionOf(config, "qwen2_5_vl_vision"), "model.vision_model")],
  projector: ({ config, textSize }) =>
    projection("model.projector", textSize, part(config, "vision_config").int("out_hidden_size", 3584), true),
});

/** The vision_config, refused when it names another tower than the one that this family reads. */
function visionOf(config: ConfigReader, modelType: string): ConfigReader {
  const vision = part(config, "vision_config");
  if (vision.text("model_type", modelType) !== modelType) vision.fail("model_type", modelType);
  return vision;
}

/** SigLIP without a head; behind one of its layers, windows of patches attend to each other and become one. */
export const minicpmVision: TowerBuilder = (given, prefix) => {
  const config = overriding(given, { vision_use_head: false });
  const tower = siglipVision(config, prefix);
  const size = tower.stacks[0]!.hiddenSize;
  const [height, width, ...rest] = config.ints("window_kernel_size") ?? [2, 2];
  if (!height || !width || rest.length > 0) config.fail("window_kernel_size", "a height and a width");
  const window = height! * width!;
  const wide = window * config.int("intermediate_size", 3072);
  const at = (name: string): string => `${prefix}.vit_merger.${name}`;
  return {
    ...tower,
    tensors: [
      ...tower.tensors,
      ...inGroup("vision", [
        ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((name) =>
          projection(at(`self_attn.${name}`), size, size, true),
        ),
        ...norm(at("layer_norm1"), size, "bias"),
        ...norm(at("pre_norm"), size * window, "bias"),
        ...projection(at("linear_1"), wide, size * window, true),
        ...projection(at("linear_2"), size, wide, true),
      ]),
    ],
  };
};

/** Four patches to one, merger_times over; the last time into the text width. */
export const minicpmV46 = compositeFamily({
  id: "minicpmv4_6",
  modelTypes: ["minicpmv4_6", "minicpmv4_7"],
  classNames: ["MiniCPMV4_6ForConditionalGeneration", "MiniCPMV4_7ForConditionalGeneration"],
  text: { modelType: "qwen3_5_text", ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [minicpmVision(part(config, "vision_config"), "model.vision_tower")],
  projector: ({ config, textSize, visionSize }) => {
    const times = config.layers("merger_times", 1);
    if (times < 1 || times > 100) config.fail("merger_times", "a number from 1 to 100");
    const merged = 4 * visionSize;
    return Array.from({ length: times }, (_, i) => {
      const at = (name: string): string => `model.merger.mlp.${i}.${name}`;
      return [
        ...biasedNorm(at("pre_norm"), merged),
        ...projection(at("linear_1"), merged, merged, true),
        ...projection(at("linear_2"), i === times - 1 ? textSize : visionSize, merged, true),
      ];
    }).flat();
  },
});

/** The published keys are short. */
function stepKeys(config: ConfigReader): ConfigReader {
  const alias = { width: "hidden_size", layers: "num_hidden_layers", heads: "num_attention_heads" };
  const given = Object.entries(alias).filter(([key]) => config.has(key));
  return overriding(config, Object.fromEntries(given.map(([key, name]) => [name, config.raw[key]])));
}

/** No class token, scales per channel, and two strided convolutions that double the channels. */
export const stepVision: TowerBuilder = (config, prefix) => stepTower(stepKeys(config), prefix);

const stepTower = vitTower({
  names: {
    ...VIT_NAMES,
    layers: "layers",
    attention: ["q_proj", "k_proj", "v_proj", "out_proj"],
    mlp: ["mlp.fc1", "mlp.fc2"],
    patches: "embeddings.patch_embedding",
  },
  defaults: {
    hidden_size: 1536,
    mlp_ratio: 8960 / 1536,
    num_hidden_layers: 47,
    num_attention_heads: 16,
    image_size: 728,
    patch_size: 14,
    hidden_act: "quick_gelu",
  },
  biases: () => ({ qkv: true, o: true }),
  width: ratioWidth,
  patchBias: false,
  classTokens: () => 0,
  scales: () => ["lambda_1", "lambda_2"],
  finalNorm: () => "pre_layernorm",
  outside: (_config, hiddenSize) =>
    [1, 2].flatMap((step) =>
      convolution({
        name: `downsampler${step}`,
        group: "vision",
        shape: [2 ** step * hiddenSize, 2 ** (step - 1) * hiddenSize, 3, 3],
        bias: true,
      }),
    ),
});

/** One matrix from four times the tower's width. */
export const step37 = compositeFamily({
  id: "step3p7",
  classNames: ["Step3p7ForConditionalGeneration"],
  text: { modelType: "step3p5", ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [stepVision(part(config, "vision_config"), "model.vision_model")],
  projector: ({ config, textSize, visionSize }) =>
    projection("model.multi_modal_projector", textSize, 4 * visionSize, config.flag("projector_bias", false)),
});

/** Llama with two matrices around a squared ReLU. */
const cosmosEdgeDecoder = familyOf({
  id: "cosmos3_edge_text",
  classSizes: [2048, 9216, 28, 16, 131_072],
  kvHeads: 8,
  qkvBias: { key: "attention_bias", otherwise: false },
  oBias: { key: "attention_bias", otherwise: false },
  mlpBias: { key: "mlp_bias", otherwise: false },
  plainMlp: ["fc1", "fc2"],
});

export const COSMOS_EDGE_TEXT: LanguageModelOptions = {
  modelType: "cosmos3_edge_text",
  readAs: cosmosEdgeDecoder,
  fixed: { tie_word_embeddings: false },
};

/** SigLIP 2 without a head. */
export const cosmosEdgeVision: TowerBuilder = (config, prefix) =>
  siglip2Vision(
    withDefaults(overriding(config, { vision_use_head: false }), {
      hidden_size: 1152,
      intermediate_size: 4304,
      num_hidden_layers: 27,
      num_attention_heads: 16,
    }),
    prefix,
  );

/** Normalised patches, merged, through two biased matrices. */
export const cosmosEdge = compositeFamily({
  id: "cosmos3_edge",
  classNames: ["Cosmos3EdgeForConditionalGeneration"],
  text: COSMOS_EDGE_TEXT,
  names: "model.language_model",
  towers: (config) => [cosmosEdgeVision(part(config, "vision_config"), "model.visual")],
  projector: ({ config, textSize, visionSize }) => {
    const width = config.int("projector_hidden_size", 11_520);
    const merged = visionSize * part(config, "vision_config").int("spatial_merge_size", 2) ** 2;
    return [
      ...biasedNorm("model.projector.norm", visionSize),
      ...projection("model.projector.linear_fc1", width, merged, true),
      ...projection("model.projector.linear_fc2", textSize, width, true),
    ];
  },
});
