/** Language models with eyes or ears in classes of their own repositories: Keye, DeepSeek-VL2, MiniMax-VL, Ultravox. */

import { type LanguageModelOptions, part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { norm, positionEmbedding, vector } from "../tensors.ts";
import { clipVision, siglipVision } from "../towers/image-encoders.ts";
import { qwen25Vision } from "../towers/qwen-vision.ts";
import { inGroup, type Tower } from "../towers/tower.ts";
import { whisperTower } from "../towers/whisper-encoder.ts";
import { cogvlm, glm4v9b } from "./cogvlm.ts";
import { nvlmD } from "./internvl.ts";
import { OVIS_PUBLISHED } from "./ovis.ts";
import { deepseekOcr } from "./remote-ocr.ts";
import { step3Vl } from "./step3.ts";

/** Positions of packed images, whatever their shape. */
const PACKED_POSITIONS = 32_768;

/** SigLIP with positions for packed images besides its own; four patches, normed, into two linears. */
const keyeFamily = (id: string, className: string, normed: 1 | 4): Family =>
  compositeFamily({
    id,
    classNames: [className],
    text: { modelType: "qwen3", readAs: "qwen3" },
    names: "unchanged",
    towers: (config) => {
      const prefix = "visual.vision_model";
      const tower = siglipVision(part(config, "vision_config"), prefix);
      const packed = positionEmbedding(
        `${prefix}.embeddings.packing_position_embedding`,
        PACKED_POSITIONS,
        tower.stacks[0]!.hiddenSize,
      );
      return [{ ...tower, tensors: [...tower.tensors, ...inGroup("vision", [packed])] }];
    },
    projector: ({ textSize, visionSize }) => [
      ...inGroup("projector", norm("mlp_AR.pre_norm", normed * visionSize, "bias")),
      ...projection("mlp_AR.linear_1", 4 * visionSize, 4 * visionSize, true),
      ...projection("mlp_AR.linear_2", textSize, 4 * visionSize, true),
    ],
    customCode: "Qwen 3 with SigLIP and packed positions",
  });

const keye = keyeFamily("Keye", "KeyeForConditionalGeneration", 1);
const keye15 = keyeFamily("KeyeVL1_5", "KeyeVL1_5ForConditionalGeneration", 4);

/** Latent attention, unless the config says otherwise as the smallest of them does. */
function deepseekVl2Text(config: ConfigReader): LanguageModelOptions {
  const text = part(config, "language_config");
  const latent = text.flag("use_mla", true);
  const balanced = text.optionalText("topk_method") === "noaux_tc";
  const readAs = latent ? (balanced ? "deepseek_v3" : "deepseek_v2") : "deepseek";
  return { keys: ["language_config"], modelType: readAs, readAs, tied: false };
}

/** SigLIP-SO400M as timm builds it, with its pooling head. */
function deepseekVl2Eyes(config: ConfigReader): Tower {
  const vision = part(config, "vision_config");
  const width = vision.int("width", 1024);
  const mlpWidth = Math.floor(width * vision.number("mlp_ratio", 4));
  if (!(mlpWidth >= 1 && mlpWidth <= 2 ** 31)) vision.fail("mlp_ratio", "a factor that leaves an MLP");
  return siglipVision(
    overriding(vision, {
      hidden_size: width,
      intermediate_size: mlpWidth,
      num_hidden_layers: vision.layers("layers", 24),
      num_attention_heads: vision.int("heads", 16),
      image_size: vision.int("image_size", 384),
      patch_size: vision.int("patch_size", 16),
    }),
    "vision",
  );
}

/** Patches of a square of downsample_ratio side by side, and linears of mlp_ratio times the text width. */
function deepseekVl2Projector(config: ConfigReader, textSize: number): Tensor[] {
  const given = part(config, "projector_config");
  if (given.text("projector_type", "downsample_mlp_gelu") !== "downsample_mlp_gelu")
    given.fail("projector_type", "downsample_mlp_gelu");
  const depth = given.int("depth", 2);
  if (depth < 2 || depth > 100) given.fail("depth", "2 to 100 linears");
  const width = given.int("mlp_ratio", 1) * textSize;
  const folded = given.int("input_dim", 1152) * given.int("downsample_ratio", 2) ** 2;
  return Array.from({ length: depth }, (_, index) =>
    projection(
      `projector.layers.${2 * index}`,
      index === depth - 1 ? textSize : width,
      index === 0 ? folded : width,
      true,
    ),
  ).flat();
}

const deepseekVl2 = compositeFamily({
  id: "deepseek-vl2",
  classNames: [],
  text: deepseekVl2Text,
  names: "unchanged",
  towers: (config) => [deepseekVl2Eyes(config)],
  projector: ({ config, textSize }) => [
    ...deepseekVl2Projector(config, textSize),
    ...["image_newline", "view_seperator"].map((name) => vector(name, "projector", [textSize])),
  ],
  // Of 27 patches a side, filled up to 28, each four become one; a line break behind each row.
  vision: (config) => {
    const image = part(config, "vision_config");
    const across = Math.floor(image.int("image_size", 384) / image.int("patch_size", 16));
    const rows = Math.ceil(across / part(config, "projector_config").int("downsample_ratio", 2));
    const tile = { imageSize: image.int("image_size", 384), tokensPerImage: rows * (rows + 1) };
    return { sizing: "tiles", mostTiles: 9, ...tile };
  },
  customCode: "DeepSeek with SigLIP",
});

/** DeepSeek-VL2 and, under the same model type, the readers of pages that followed it: one linear for a projector. */
const deepseekVlV2: Family = {
  ...deepseekOcr,
  classNames: ["DeepseekVLV2ForCausalLM", ...(deepseekOcr.classNames ?? [])],
  build: (config, families) => {
    const readsPages = part(config, "projector_config").text("projector_type", "") === "linear";
    return (readsPages ? deepseekOcr : deepseekVl2).build(config, families);
  },
};

/** CLIP without pooling, two linears, a mark of row ends: LLaVA-NeXT around MiniMax-Text-01. */
const minimaxVl01 = compositeFamily({
  id: "minimax_vl_01",
  classNames: ["MiniMaxVL01ForConditionalGeneration"],
  text: { modelType: "minimax_text_01", readAs: "minimax" },
  names: "language_model",
  towers: (config) => [clipVision(part(config, "vision_config"), "vision_tower.vision_model")],
  projector: ({ textSize, visionSize }) => [
    ...projection("multi_modal_projector.linear_1", textSize, visionSize, true),
    ...projection("multi_modal_projector.linear_2", textSize, textSize, true),
    vector("image_newline", "projector", [textSize]),
  ],
  customCode: "MiniMax-Text-01 with CLIP",
});

/** Qwen2.5-VL's eyes with rotary positions of one kind. */
const openCua = compositeFamily({
  id: "opencua",
  classNames: ["OpenCUAForConditionalGeneration"],
  text: { modelType: "qwen2", tied: false },
  names: "language_model",
  towers: (config) => [qwen25Vision(part(config, "vision_config"), "vision_tower")],
  customCode: "Qwen 2 with Qwen2.5-VL's tower",
});

/** Frames of Whisper side by side, a norm, and two linears around a gate; the second norm is before or behind the last. */
function ultravoxProjector(config: ConfigReader, textSize: number, audioSize: number): Tensor[] {
  const folded = audioSize * config.int("stack_factor", 8);
  const width = config.int("hidden_size", 4096);
  const gated = config.text("projector_act", "swiglu") === "swiglu";
  if (gated && width % 2 !== 0) config.fail("hidden_size", "an even width, of which the gate is half");
  const inner = gated ? width / 2 : width;
  const at = (name: string): string => `multi_modal_projector.${name}`;
  const middle = config.flag("projector_ln_mid", false);
  return [
    ...inGroup("audio", [
      ...norm(at("ln_pre"), folded),
      ...norm(at(middle ? "ln_mid" : "ln_post"), middle ? inner : textSize),
    ]),
    ...projection(at("linear_1"), width, folded, false, "audio"),
    ...projection(at("linear_2"), textSize, inner, false, "audio"),
  ];
}

/** Whisper's encoder before any decoder; a file that only names its parts is refused for want of their sizes. */
const ultravox = compositeFamily({
  id: "ultravox",
  classNames: ["UltravoxModel"],
  text: (config) => {
    part(config, "text_config");
    return { modelType: "llama" };
  },
  names: "language_model",
  towers: (config) => [whisperTower(part(config, "audio_config"), "audio_tower")],
  projector: ({ config, textSize, visionSize }) => ultravoxProjector(config, textSize, visionSize),
  customCode: "a decoder with Whisper's encoder",
});

export const REMOTE_COMPOSITES: readonly Family[] = [
  cogvlm,
  glm4v9b,
  ...OVIS_PUBLISHED,
  step3Vl,
  nvlmD,
  keye,
  keye15,
  deepseekVlV2,
  minimaxVl01,
  openCua,
  ultravox,
];
