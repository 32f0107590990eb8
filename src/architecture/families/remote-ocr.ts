/** Page readers in classes of the models' own repositories: DeepSeek-OCR and dots.ocr. */

import { type LanguageModelOptions, part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import { CLIP_L, clipVision, type TowerBuilder } from "../towers/image-encoders.ts";
import { samVision } from "../towers/sam-vision.ts";
import { encoderTower, imagePatches, inGroup, readEncoderHeads, type Tower } from "../towers/tower.ts";
import { queryEncoder } from "./deepseek-ocr2.ts";

const conv = (name: string, shape: readonly number[]): Tensor[] =>
  convolution({ name, group: "vision", shape });

/** The decoder that DeepSeek-OCR nests, or states at the top: DeepSeek-MoE's, with attention that is not latent. */
function ocrText(config: ConfigReader): LanguageModelOptions {
  const text = config.child("language_config") ?? config;
  if (text.flag("use_mla", true)) text.fail("use_mla", "false, as in DeepSeek-OCR");
  return { keys: ["language_config"], modelType: "deepseek", readAs: "deepseek", tied: false };
}

/** CLIP-L without the norm at its end. */
function clipEyes(config: ConfigReader): Tower {
  const clip = clipVision(overriding(config, { ...CLIP_L, hidden_act: "quick_gelu" }), "model.vision_model");
  return { ...clip, tensors: clip.tensors.filter(({ name }) => !name.includes("post_layernorm")) };
}

function samEyes(config: ConfigReader, outDim: number): Tower {
  const sam = samVision(overriding(config, { ...SAM_B, hidden_act: "gelu" }), "model.sam_model");
  return {
    ...sam,
    tensors: [
      ...sam.tensors,
      ...inGroup("vision", [
        ...conv("model.sam_model.net_2", [512, 256, 3, 3]),
        ...conv("model.sam_model.net_3", [outDim, 512, 3, 3]),
      ]),
    ],
  };
}

/** The second model's eyes. */
const readsByQueries = (config: ConfigReader): boolean =>
  part(config, "vision_config").text("model_name") === "deepencoderv2";

const QWEN2_HALF_B = {
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  hidden_act: "silu",
} as const;

/**
 * Segment Anything at 1024 pixels, two strided convolutions, then CLIP-L over what is left, both into the projector;
 * in the second model Qwen2-0.5B's layers with queries of their own instead of CLIP.
 *
 * @example DeepSeek-OCR: 2,934,734,080 + 398,746,880 + 2,625,280 = 3,336,106,240
 */
export const deepseekOcr = compositeFamily({
  id: "deepseek_vl_v2",
  classNames: ["DeepseekOCRForCausalLM", "DeepseekOCR2ForCausalLM"],
  text: ocrText,
  names: "unchanged",
  check: (config) => {
    const projector = part(config, "projector_config");
    if (projector.text("projector_type") !== "linear") projector.fail("projector_type", "linear");
  },
  towers: (config) => {
    const vision = part(config, "vision_config");
    const eyes = vision.text("model_name");
    if (eyes === "deeplip_b_l") return [clipEyes(config), samEyes(config, 1024)];
    if (eyes === "deepencoderv2") {
      const encoder = queryEncoder(overriding(config, QWEN2_HALF_B), "model.qwen2_model");
      return [encoder, samEyes(config, QWEN2_HALF_B.hidden_size)];
    }
    return vision.fail(
      "model_name",
      "deeplip_b_l or deepencoderv2, the eyes of DeepSeek-OCR and DeepSeek-OCR 2",
    );
  },
  projector: ({ config, textSize }) => {
    const projector = part(config, "projector_config");
    return [
      ...projection(
        "model.projector.layers",
        projector.int("n_embed", textSize),
        projector.int("input_dim"),
        true,
      ),
      // The second model marks views alone.
      ...(readsByQueries(config) ? [] : [vector("model.image_newline", "projector", [textSize])]),
      vector("model.view_seperator", "projector", [textSize]),
    ];
  },
  // A page at 1024 pixels: 16 x 16 with a line break each and the mark of a view; the second model has no breaks.
  vision: (config) => ({
    sizing: "fixed",
    imageSize: SAM_B.image_size,
    tokensPerImage: readsByQueries(config) ? 257 : 273,
  }),
  customCode: "DeepSeek-MoE's decoder with Segment Anything and CLIP or Qwen 2",
});

/** Segment Anything's smallest encoder, whatever the model around it says. */
const SAM_B = {
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  image_size: 1024,
  patch_size: 16,
  mlp_dim: 3072,
  window_size: 14,
  output_channels: 256,
} as const;

/** RMSNorms, SwiGLU and no biases in the layers; a norm behind the patches and behind the layers, Qwen2-VL's merger. */
const dotsVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    embed_dim: 1536,
    intermediate_size: 4224,
    num_hidden_layers: 42,
    num_attention_heads: 12,
    patch_size: 14,
    spatial_merge_size: 2,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["embed_dim"], ["num_attention_heads"]);
  const bias = config.flag("use_bias", false);
  const merged = hiddenSize * config.int("spatial_merge_size") ** 2;
  const matrix = (name: string, outDim: number): Tensor[] =>
    linear({ name: `${prefix}.${name}`, role: "other", group: "vision", outDim, inDim: merged, bias: true });
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.blocks`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: { name: "attn", fused: "qkv", outName: "proj", bias: { qkv: bias, o: bias } },
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: "silu",
      bias,
      gated: ["fc1", "fc3", "fc2"],
    },
    norm: "rms",
    norms: ["norm1", "norm2"],
    outside: [
      ...imagePatches(config, `${prefix}.patch_embed.patchifier.proj`, hiddenSize),
      ...norm(`${prefix}.patch_embed.patchifier.norm`, hiddenSize),
      ...(config.flag("post_norm", true) ? norm(`${prefix}.post_trunk_norm`, hiddenSize) : []),
      ...norm(`${prefix}.merger.ln_q`, hiddenSize, "bias"),
      ...matrix("merger.mlp.0", merged),
      ...matrix("merger.mlp.2", config.int("hidden_size", hiddenSize)),
    ],
  });
};

/** Qwen2's decoder at the top of the config. */
export const dotsOcr = compositeFamily({
  id: "dots_ocr",
  classNames: ["DotsOCRForCausalLM"],
  text: { modelType: "qwen2", readAs: "qwen2" },
  names: "unchanged",
  towers: (config) => [dotsVision(part(config, "vision_config"), "vision_tower")],
  customCode: "Qwen 2 with a tower of its own",
});
