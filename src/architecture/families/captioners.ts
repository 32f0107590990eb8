/** Small models that describe an image: GIT, BLIP and Fuyu. */
import { classNamed } from "../class-named.ts";
import { composite, languageModel, part, projection } from "../composite.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { headLinear, maskedLmHead } from "../encoder-row.ts";
import { activationOf, type Family } from "../family.ts";
import { plainMlp } from "../feed-forward.ts";
import { type SelfAttentionSpec, selfAttention } from "../mixers/self-attention.ts";
import type { ArchitectureDraft, LayerKind } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, norm, positionEmbedding, vector } from "../tensors.ts";
import { blipVision } from "../towers/blip-vision.ts";
import { clipVision } from "../towers/image-encoders.ts";
import { inGroup, readEncoderHeads } from "../towers/tower.ts";
import { BERT_MLM, BERT_NAMES } from "./bert.ts";

/** BERT's layer as a decoder: it caches keys and values, and may also read an image of `imageSize`. */
function bertDecoderLayer(config: ConfigReader, imageSize?: number): LayerKind {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const attention = (name: string, cache: SelfAttentionSpec["cache"]) =>
    selfAttention({
      name,
      names: BERT_NAMES.projections,
      hiddenSize,
      heads,
      kvHeads: heads,
      keyDim: hiddenSize / heads,
      bias: { qkv: true, o: true },
      cache,
    });
  const own = attention("attention", "own");
  const cross = imageSize === undefined ? undefined : attention("crossattention", "cross");
  const width = config.int("intermediate_size");
  return {
    mixers: [...own.mixers, ...(cross?.mixers ?? [])],
    feedForward: { kind: "dense", width, gated: false, activation: activationOf(config, "gelu") },
    tensors: [
      ...own.tensors,
      ...norm("attention.output.LayerNorm", hiddenSize, "bias"),
      ...(cross === undefined
        ? []
        : [
            ...cross.tensors.map((t) =>
              t.kind === "linear" && (t.role === "attn-k" || t.role === "attn-v")
                ? { ...t, shape: [hiddenSize, imageSize!] }
                : t,
            ),
            ...norm("crossattention.output.LayerNorm", hiddenSize, "bias"),
          ]),
      ...plainMlp({ name: "", hiddenSize, width, bias: true, names: BERT_NAMES.mlp }),
      ...norm("output.LayerNorm", hiddenSize, "bias"),
    ],
  };
}

/** Words, positions, a norm and the layers. */
function bertDecoder(
  config: ConfigReader,
  spec: { readonly family: string; readonly at: string; readonly imageSize?: number; readonly tied: boolean },
): ArchitectureDraft {
  const { family, at, tied } = spec;
  const hiddenSize = config.int("hidden_size");
  const vocabSize = config.int("vocab_size");
  const positions = config.int("max_position_embeddings");
  return {
    family,
    modelType: family,
    hiddenSize,
    vocabSize,
    tied,
    maxContextTokens: positions,
    norm: "layer",
    stacks: [
      stackOf({
        role: "decoder",
        prefix: `${at}.encoder.layer`,
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: () => bertDecoderLayer(config, spec.imageSize),
      }),
    ],
    tensors: [
      embedding(`${at}.embeddings.word_embeddings`, vocabSize, hiddenSize),
      positionEmbedding(`${at}.embeddings.position_embeddings`, positions, hiddenSize),
      ...norm(`${at}.embeddings.LayerNorm`, hiddenSize, "bias"),
    ],
    notes: [],
  };
}

/** CLIP whose patches a linear and a norm put before the words; of a video, a vector is added to each frame. */
export const git: Family = {
  id: "git",
  modelTypes: ["git"],
  classNames: ["GitForCausalLM"],
  build: (given) => {
    const config = withDefaults(given, {
      vocab_size: 30_522,
      hidden_size: 768,
      num_hidden_layers: 6,
      num_attention_heads: 12,
      intermediate_size: 3072,
      max_position_embeddings: 1024,
    });
    const tied = config.flag("tie_word_embeddings", false);
    const text = bertDecoder(config, { family: "git", at: "git", tied });
    const { hiddenSize, vocabSize } = text;
    const vision = withDefaults(part(config, "vision_config"), { patch_size: 16 });
    const tower = clipVision(vision, "git.image_encoder.vision_model");
    const imageSize = tower.stacks[0]!.hiddenSize;
    const frames =
      config.raw.num_image_with_embedding === null ? 0 : config.count("num_image_with_embedding", 0);
    const head = headLinear("output", vocabSize, hiddenSize).filter((t) => !tied || t.kind === "bias");
    return composite({
      family: "git",
      config,
      text: { ...text, tensors: [...text.tensors, ...head] },
      names: "unchanged",
      towers: [tower],
      projector: inGroup("projector", [
        ...projection("git.visual_projection.visual_projection.0", hiddenSize, imageSize, true),
        ...norm("git.visual_projection.visual_projection.1", hiddenSize, "bias"),
        ...(frames === 0 ? [] : [vector("git.img_temporal_embedding", "projector", [frames, 1, imageSize])]),
      ]),
    });
  },
};

/** A BERT that writes: every layer also attends to the image. */
export const blip: Family = {
  id: "blip",
  modelTypes: ["blip"],
  classNames: ["BlipForConditionalGeneration"],
  build: (config) => {
    classNamed(config, ["BlipForConditionalGeneration"]);
    const own = withDefaults(part(config, "text_config"), {
      vocab_size: 30_524,
      hidden_size: 768,
      encoder_hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 8,
      max_position_embeddings: 512,
    });
    const vision = withDefaults(part(config, "vision_config"), {
      hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      image_size: 384,
      patch_size: 16,
    });
    const tower = blipVision(vision, "vision_model");
    // Either config ties.
    const tied = config.flag("tie_word_embeddings", true) || own.flag("tie_word_embeddings", true);
    // The class hands the width of the image to the text.
    const imageSize = tower.stacks[0]!.hiddenSize;
    const text = bertDecoder(own, { family: "blip", at: "text_decoder.bert", imageSize, tied });
    const { hiddenSize, vocabSize } = text;
    const head = maskedLmHead(
      { config: own, hiddenSize, vocabSize, embeddingSize: hiddenSize, layers: 0, tied, labels: 0 },
      BERT_MLM,
    ).map((t) => ({ ...t, name: `text_decoder.${t.name}` }));
    return composite({
      family: "blip",
      config,
      text: { ...text, tensors: [...text.tensors, ...head] },
      names: "unchanged",
      towers: [tower],
    });
  },
};

/** Persimmon that reads patches as they are, through one linear. */
export const fuyu: Family = {
  id: "fuyu",
  modelTypes: ["fuyu"],
  classNames: ["FuyuForCausalLM"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "persimmon", ties: "top-alone" });
    const pixels = config.int("patch_size", 30) ** 2 * config.int("num_channels", 3);
    return composite({
      family: "fuyu",
      config,
      text,
      names: "model.language_model",
      towers: [],
      projector: projection("model.vision_embed_tokens", config.int("hidden_size", 4096), pixels, true),
    });
  },
};
