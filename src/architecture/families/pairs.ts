/** Pairs of encoders, of text and of images, that end in one space: CLIP's relatives. */
import { part, projection } from "../composite.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { matrix, type PairSides, pairFamily, twoProjections } from "../pair-row.ts";
import { stackOf } from "../stack.ts";
import { embedding, norm, positionEmbedding, vector } from "../tensors.ts";
import { towerFamily } from "../tower-family.ts";
import { aimLayer, aimVision } from "../towers/aim-vision.ts";
import { clipVision, siglip2Vision, type TowerBuilder } from "../towers/image-encoders.ts";
import { inGroup, type Tower } from "../towers/tower.ts";
import { BERT_NAMES, bertEmbeddings, bertLayer } from "./bert.ts";
import { tipsVision } from "./dino.ts";
import { CLIP_TEXT, clipText, siglipFamily, textTower } from "./image-text.ts";

const none = (): Tensor[] => [];
const CLIP_PAIR = {
  textDefaults: CLIP_TEXT,
  text: (config: ConfigReader) => textTower(config, "quick_gelu"),
  vision: clipVision,
};

const metaClip2 = pairFamily({ ...CLIP_PAIR, id: "metaclip_2", classes: { MetaClip2Model: none } });
const clipSeg = pairFamily({ ...CLIP_PAIR, id: "clipseg", classes: { CLIPSegModel: none } });

/** dense0, dense1 and dense2 of a head that reads one patch. */
const patchHead = (name: string, size: number, out: number): Tensor[] => [
  ...projection(`${name}.dense0`, size, size, true),
  ...projection(`${name}.dense1`, size, size, true),
  ...projection(`${name}.dense2`, out, size, true),
];

/** A box, a class embedding and its shift and scale for every patch. */
const detection =
  (objectness: boolean) =>
  ({ textSize, visionSize }: PairSides): Tensor[] => [
    ...projection("class_head.dense0", textSize, visionSize, true),
    ...projection("class_head.logit_shift", 1, visionSize, true),
    ...projection("class_head.logit_scale", 1, visionSize, true),
    ...patchHead("box_head", visionSize, 4),
    ...(objectness ? patchHead("objectness_head", visionSize, 1) : []),
    ...inGroup("projector", norm("layer_norm", visionSize, "bias")),
  ];

const owl = (id: string, prefix: string, patch: number, objectness: boolean): Family =>
  pairFamily({
    ...CLIP_PAIR,
    id,
    classes: { [`${prefix}Model`]: none, [`${prefix}ForObjectDetection`]: detection(objectness) },
    textDefaults: { ...CLIP_TEXT, max_position_embeddings: 16 },
    visionDefaults: { image_size: 768, patch_size: patch },
  });

/** BERT's layers under a path of their own. */
function bertTower(config: ConfigReader, prefix: string, types: number, layers = "encoder.layer"): Tower {
  const hiddenSize = config.int("hidden_size");
  const sizes = {
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    vocabSize: config.int("vocab_size"),
    embeddingSize: hiddenSize,
  };
  return {
    stacks: [
      stackOf({
        role: "encoder",
        prefix: `${prefix}.${layers}`,
        hiddenSize,
        layers: sizes.layers,
        build: () => bertLayer(config, BERT_NAMES),
      }),
    ],
    tensors: bertEmbeddings(config, sizes, { types }).map((t) => ({ ...t, name: `${prefix}.${t.name}` })),
  };
}

const chineseClip = pairFamily({
  ...CLIP_PAIR,
  id: "chinese_clip",
  classes: { ChineseCLIPModel: none },
  textDefaults: {
    vocab_size: 30_522,
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    max_position_embeddings: 512,
  },
  text: (config) => bertTower(config, "text_model", 2),
});

/** XLM-R, whose first token a matrix brings to project_dim, the width from which the text is projected. */
const altClip = pairFamily({
  ...CLIP_PAIR,
  id: "altclip",
  classes: { AltCLIPModel: none },
  textDefaults: {
    vocab_size: 250_002,
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    max_position_embeddings: 514,
  },
  text: (config) => {
    const tower = bertTower(config, "text_model.roberta", 1, "encoder.layers");
    const size = tower.stacks[0]!.hiddenSize;
    return {
      ...tower,
      tensors: [
        ...tower.tensors,
        ...matrix("text_model.transformation", config.int("project_dim", 768), size, true),
        ...norm("text_model.pre_LN", size, "bias"),
      ],
    };
  },
  between: (sides) =>
    twoProjections({ ...sides, textSize: part(sides.config, "text_config").int("project_dim", 768) }),
  shared: 768,
});

/** The head of AIMv2: a query of its own attends to the patches. */
const aimVisionWithHead: TowerBuilder = (config, prefix) => {
  const tower = aimVision(config, prefix);
  if (!config.flag("use_head", true)) return tower;
  const size = tower.stacks[0]!.hiddenSize;
  const bias = config.flag("qkv_bias", false);
  const at = (name: string): string => `${prefix}.head.${name}`;
  return {
    ...tower,
    tensors: [
      ...tower.tensors,
      ...inGroup("vision", [
        vector(at("cls_token"), "vision", [1, 1, size]),
        ...projection(at("k_proj"), size, size, bias),
        ...projection(at("v_proj"), size, size, bias),
        ...projection(at("output_proj"), size, size, true),
      ]),
    ],
  };
};

/** Words, positions unless they are computed, layers and a norm. */
function plainText(config: ConfigReader, spec: { readonly aim: boolean }): Tower {
  if (!spec.aim) {
    const tower = textTower(config, "relu");
    return { ...tower, tensors: tower.tensors.filter(({ role }) => role !== "position-embedding") };
  }
  const hiddenSize = config.int("hidden_size");
  return {
    stacks: [
      stackOf({
        role: "encoder",
        prefix: "text_model.encoder.layers",
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: () => aimLayer(config),
      }),
    ],
    tensors: [
      embedding("text_model.embeddings.token_embedding", config.int("vocab_size"), hiddenSize),
      positionEmbedding(
        "text_model.embeddings.position_embedding",
        config.int("max_position_embeddings"),
        hiddenSize,
      ),
      ...norm("text_model.rms_norm", hiddenSize),
    ],
  };
}

const aimv2 = pairFamily({
  id: "aimv2",
  classes: { Aimv2Model: none },
  textDefaults: {
    ...CLIP_TEXT,
    hidden_size: 768,
    num_attention_heads: 6,
  },
  text: (config) => plainText(config, { aim: true }),
  vision: aimVisionWithHead,
});

const tipsv2 = pairFamily({
  id: "tipsv2",
  classes: { Tipsv2Model: none },
  textDefaults: {
    vocab_size: 32_000,
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    max_position_embeddings: 64,
  },
  text: (config) => plainText(config, { aim: false }),
  vision: tipsVision,
  between: () => [vector("temperature", "other", [1])],
});

/** CLIP without learned positions, but with one rotary position for the class token. */
const mlcd: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1664,
    intermediate_size: 8192,
    num_hidden_layers: 48,
    num_attention_heads: 16,
    image_size: 336,
    patch_size: 14,
  });
  const tower = clipVision(config, prefix);
  const half = Math.floor(config.int("hidden_size") / config.int("num_attention_heads") / 2);
  return {
    ...tower,
    tensors: [
      ...tower.tensors.filter(({ role }) => role !== "position-embedding"),
      vector(`${prefix}.class_pos_emb`, "vision", [1, half]),
    ],
  };
};

export const PAIRS: readonly Family[] = [
  siglipFamily("siglip2", "Siglip2Model", siglip2Vision),
  metaClip2,
  clipSeg,
  owl("owlvit", "OwlViT", 32, false),
  owl("owlv2", "Owlv2", 16, true),
  chineseClip,
  altClip,
  aimv2,
  tipsv2,
  clipText,
  towerFamily({
    id: "mlcd",
    modelTypes: ["mlcd", "mlcd_vision_model"],
    prefix: "vision_model",
    tower: mlcd,
  }),
  towerFamily({ id: "chinese_clip_vision_model", prefix: "vision_model", tower: clipVision }),
  towerFamily({ id: "aimv2_vision_model", prefix: "vision_model", tower: aimVisionWithHead }),
];
