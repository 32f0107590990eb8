/** Ovis: images as words of a vocabulary of their own. */

import { part } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { embedding, linear, norm } from "../tensors.ts";
import { aimVision } from "../towers/aim-vision.ts";
import { imageEncoder, siglip2Vision, siglipVision, type TowerBuilder } from "../towers/image-encoders.ts";
import { inGroup, type Tower } from "../towers/tower.ts";

/** A tower and behind it a head that chooses among `words`, from squares of hidden_stride patches. */
function choosing(
  tower: Tower,
  config: ConfigReader,
  words: number,
  names: readonly [head: string, norm: string],
): Tower {
  const { hiddenSize } = tower.stacks[0]!;
  return {
    ...tower,
    tensors: [
      ...tower.tensors,
      ...inGroup("vision", [
        ...linear({
          name: names[0],
          role: "other",
          group: "vision",
          outDim: words,
          inDim: hiddenSize * config.int("hidden_stride", 1) ** 2,
        }),
        ...norm(names[1], words, "bias"),
      ]),
    ],
  };
}

/** Visual words that an image patch may become; the others mark where images begin and end. */
function visualWords(config: ConfigReader, key: string, marks: number): number {
  const all = config.int(key, 16_384);
  const words = all - config.count("num_visual_indicator_tokens", marks);
  if (words < 1) config.fail(key, `more than the ${marks} words that mark images`);
  return words;
}

const ovisVision: TowerBuilder = (config, prefix) =>
  choosing(aimVision(config, `${prefix}.transformer`), config, visualWords(config, "vocab_size", 5), [
    `${prefix}.head_linear`,
    `${prefix}.head_norm`,
  ]);

/** Visual words have embeddings of their own, as wide as the text's. */
export const ovis2 = compositeFamily({
  id: "ovis2",
  classNames: ["Ovis2ForConditionalGeneration"],
  text: { modelType: "qwen2", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [ovisVision(part(config, "vision_config"), "model.vision_tower")],
  projector: ({ config }) =>
    inGroup("projector", [
      embedding(
        "model.visual_embeddings_table",
        part(config, "vision_config").int("vocab_size", 16_384),
        config.int("hidden_size", 1536),
      ),
    ]),
});

/** Head and norm in the classes of the repositories. */
const PUBLISHED = ["visual_tokenizer.head.0", "visual_tokenizer.head.1"] as const;

/** Ovis 1.6 and 2 as published: SigLIP or AIMv2 under `backbone_config`. */
const ovisPublished = compositeFamily({
  id: "ovis",
  classNames: ["Ovis"],
  text: { keys: ["llm_config"], modelType: "qwen2", ties: "text-alone" },
  names: "llm",
  towers: (config) => {
    const eyes = part(config, "visual_tokenizer_config");
    const backbone = part(eyes, "backbone_config");
    const at = "visual_tokenizer.backbone";
    const tower =
      backbone.text("model_type") === "aimv2"
        ? aimVision(backbone, at)
        : imageEncoder(backbone, `${at}.vision_model`, "siglip_vision_model");
    return [choosing(tower, eyes, visualWords(eyes, "vocab_size", 5), PUBLISHED)];
  },
  projector: ({ config, textSize }) => [
    visualEmbedding(part(config, "visual_tokenizer_config").int("vocab_size", 16_384), textSize),
  ],
  vision: (config) => {
    const eyes = part(part(config, "visual_tokenizer_config"), "backbone_config");
    return { imageSize: eyes.int("image_size"), patchSize: eyes.int("patch_size") };
  },
  customCode: "a decoder with visual words",
});

/** Ovis 2.5: SigLIP 2 over images of any shape. */
const ovis25 = compositeFamily({
  id: "ovis2_5",
  classNames: ["Ovis2_5"],
  text: { keys: ["llm_config"], modelType: "qwen3", ties: "text-alone" },
  names: "llm",
  towers: (config) => {
    const eyes = overriding(part(config, "vit_config"), { vision_use_head: false });
    const build = Number(eyes.raw.num_patches) > 0 ? siglip2Vision : siglipVision;
    const tower = build(eyes, "visual_tokenizer.vit.vision_model");
    return [choosing(tower, eyes, visualWords(config, "visual_vocab_size", 4), PUBLISHED)];
  },
  projector: ({ config, textSize }) => [visualEmbedding(config.int("visual_vocab_size", 65_536), textSize)],
  customCode: "a decoder with visual words",
});

const visualEmbedding = (words: number, textSize: number) =>
  inGroup("projector", [embedding("vte", words, textSize)])[0]!;

/** The classes of the repositories. */
export const OVIS_PUBLISHED: readonly Family[] = [ovisPublished, ovis25];
