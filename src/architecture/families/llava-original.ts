/** LLaVA as its authors publish it: keys beside those of the language model, and the image encoder by its name. */

import { composite, projection } from "../composite.ts";
import { type ConfigReader, overriding, readConfig } from "../config-reader.ts";
import { customCodeNote } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { norm, vector } from "../tensors.ts";
import {
  CLIP_L,
  clipVision,
  SIGLIP_SO400M,
  siglipVision,
  type TowerBuilder,
} from "../towers/image-encoders.ts";
import { inGroup } from "../towers/tower.ts";
import type { VisionFacts } from "../vision-facts.ts";

/** SigLIP loses its last layer and its head when these classes load it; CLIP stays whole. */
const siglipWithoutEnd: TowerBuilder = (config, prefix) =>
  siglipVision(
    overriding(config, {
      num_hidden_layers: config.layers("num_hidden_layers") - 1,
      vision_use_head: false,
    }),
    prefix,
  );

const CLIP_H = { hidden_size: 1280, intermediate_size: 5120, num_hidden_layers: 32 } as const;
/** Image encoders by the end of the name in `mm_vision_tower`. */
const ENCODERS: readonly (readonly [name: RegExp, sizes: object, tower: TowerBuilder])[] = [
  [/clip-vit-large-patch14-336$/i, { ...CLIP_L, image_size: 336 }, clipVision],
  [/clip-vit-large-patch14$/i, CLIP_L, clipVision],
  [/clip-vit-h-14-[^/]*-448$/i, { ...CLIP_L, ...CLIP_H, image_size: 448 }, clipVision],
  [/siglip2?-so400m-patch14-384$/i, SIGLIP_SO400M, siglipWithoutEnd],
];

const PREFIX = "model.vision_tower.vision_tower.vision_model";

function namedEncoder(config: ConfigReader) {
  const name = config.text("mm_vision_tower");
  const found = ENCODERS.find(([pattern]) => pattern.test(name));
  if (found === undefined)
    return config.fail(
      "mm_vision_tower",
      "clip-vit-large-patch14, the same at 336, clip-vit-H-14 at 448, or siglip-so400m-patch14-384",
    );
  const [, sizes, tower] = found;
  const eyes = readConfig(sizes, config.file, { path: "mm_vision_tower", parent: config });
  return { tower: tower(eyes, PREFIX), imageSize: eyes.int("image_size") };
}

/** `image_aspect_ratio`: "anyres" cuts up to 4 tiles, "anyres_max_9" up to 9; else one image of one size. */
function tilesOf(config: ConfigReader): Partial<VisionFacts> {
  const [, most] = /^anyres(?:_max_(\d{1,3}))?$/.exec(config.text("image_aspect_ratio", "pad")) ?? [];
  if (!config.text("image_aspect_ratio", "pad").startsWith("anyres")) return {};
  return { sizing: "tiles", mostTiles: most === undefined ? 4 : Number(most) };
}

/** `linear`; `mlp2x_gelu` and its like, one linear into the text width and others behind it; `_Norm` after each. */
function projector(config: ConfigReader, textSize: number, visionSize: number): Tensor[] {
  const type = config.text("mm_projector_type", "linear");
  const at = (name: string | number): string => `model.mm_projector.${name}`;
  if (type === "identity") return [];
  if (type === "linear") return projection("model.mm_projector", textSize, visionSize, true);
  const [, times, normed] = /^mlp([1-9])x_gelu(_Norm)?$/.exec(type) ?? [];
  if (times === undefined)
    return config.fail("mm_projector_type", "linear, identity, mlp2x_gelu or mlp2x_gelu_Norm");
  const step = normed === undefined ? 2 : 3;
  return Array.from({ length: Number(times) }, (_, index) => [
    ...projection(at(index * step), textSize, index === 0 ? visionSize : textSize, true),
    ...(normed === undefined ? [] : inGroup("projector", norm(at(index * step + 1), textSize, "bias"))),
  ]).flat();
}

/** Language models by the model type of the whole, or by a word of the class where the type says nothing. */
const TEXTS: readonly (readonly [word: RegExp, modelType: string])[] = [
  [/mistral/i, "mistral"],
  [/qwen/i, "qwen2"],
  [/mpt/i, "mpt"],
  [/gemma/i, "gemma"],
  [/phi-?3/i, "phi3"],
  [/phi/i, "phi"],
  [/llama/i, "llama"],
];

function build(config: ConfigReader, families: Parameters<Family["build"]>[1]): ReturnType<Family["build"]> {
  const named = [config.texts("architectures")?.[0] ?? "", config.text("model_type", "")];
  const [, textType] = TEXTS.find(([word]) => named.some((name) => word.test(name))) ?? ["", "llama"];
  const resampler = config.optionalText("mm_resampler_type");
  if (resampler !== undefined && resampler !== "spatial_pool")
    config.fail("mm_resampler_type", "null or spatial_pool");
  const text = families.build(overriding(config, { model_type: textType, mm_vision_tower: null }));
  const { tower, imageSize } = namedEncoder(config);
  const unpads = config.text("mm_patch_merge_type", "flat").includes("unpad");
  const draft = composite({
    family: "llava-original",
    config,
    text,
    names: "unchanged",
    towers: [tower],
    projector: [
      ...projector(config, text.hiddenSize, tower.stacks[0]!.hiddenSize),
      ...(unpads ? [vector("model.image_newline", "projector", [text.hiddenSize])] : []),
    ],
  });
  const note = customCodeNote(config.text("model_type", "llava"), `${textType} with an encoder by name`);
  return { ...draft, vision: { imageSize, ...tilesOf(config) }, notes: [...draft.notes, note] };
}

/**
 * The encoder's weights are on the card whether the repository holds them or not.
 *
 * @example LLaVA-1.5-7B: 6,738,415,616 + 303,507,456 + 20,979,712 = 7,062,902,784
 */
const original: Family = {
  id: "llava-original",
  modelTypes: [
    "llava_mistral",
    "llava_qwen",
    "llava_mpt",
    "llava_gemma",
    "bunny-llama",
    "bunny-phi",
    "bunny-phi3",
    "bunny-qwen",
    "bunny-qwen2",
  ],
  classNames: ["LlavaLlamaForCausalLM", "LlavaMistralForCausalLM", "LlavaQwenForCausalLM"],
  build,
};

/** The same under model types that other classes have too. */
const under = (modelType: string): Family => ({
  id: `llava-original-${modelType}`,
  modelTypes: [],
  insteadOf: { modelType, key: "mm_vision_tower" },
  build,
});

export const LLAVA_ORIGINALS: readonly Family[] = [original, under("llava"), under("llava_llama")];
