/** BLIP-2 and InstructBLIP: a Q-Former between an image encoder and a language model. */

import { optionalPart, part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { embedding, norm, positionEmbedding, vector } from "../tensors.ts";
import { blipVision } from "../towers/blip-vision.ts";
import { inGroup } from "../towers/tower.ts";

export const Q_FORMER = {
  vocab_size: 30_522,
  hidden_size: 768,
  num_hidden_layers: 12,
  intermediate_size: 3072,
  max_position_embeddings: 512,
  cross_attention_frequency: 2,
} as const;

/** A BERT whose every second layer also attends to the image; InstructBLIP's reads the instruction as well. */
export function qFormer(
  config: ConfigReader,
  imageSize: number,
  readsText: boolean,
  prefix = "qformer",
): Tensor[] {
  const size = config.int("hidden_size");
  const width = config.int("intermediate_size");
  const every = config.int("cross_attention_frequency");
  const layers = config.layers("num_hidden_layers");
  if (layers > 1000) config.fail("num_hidden_layers", "at most 1,000 layers");
  const normed = (name: string): Tensor[] => norm(name, size, "bias");
  const attention = (at: string, keySize: number): Tensor[] => [
    ...projection(`${at}.attention.query`, size, size, true),
    ...projection(`${at}.attention.key`, size, keySize, true),
    ...projection(`${at}.attention.value`, size, keySize, true),
    ...projection(`${at}.output.dense`, size, size, true),
    ...normed(`${at}.output.LayerNorm`),
  ];
  const mlp = (at: string, kind: string): Tensor[] => [
    ...projection(`${at}.intermediate${kind}.dense`, width, size, true),
    ...projection(`${at}.output${kind}.dense`, size, width, true),
    ...normed(`${at}.output${kind}.LayerNorm`),
  ];
  return inGroup("projector", [
    ...(readsText
      ? [
          embedding(`${prefix}.embeddings.word_embeddings`, config.int("vocab_size"), size),
          positionEmbedding(
            `${prefix}.embeddings.position_embeddings`,
            config.int("max_position_embeddings"),
            size,
          ),
        ]
      : []),
    ...normed(readsText ? `${prefix}.embeddings.layernorm` : `${prefix}.layernorm`),
    ...Array.from({ length: layers }, (_, layer) => {
      const at = `${prefix}.encoder.layer.${layer}`;
      return [
        ...attention(`${at}.attention`, size),
        ...(layer % every === 0 ? attention(`${at}.crossattention`, imageSize) : []),
        ...(readsText || config.flag("use_qformer_text_input", false) ? mlp(at, "") : []),
        ...mlp(at, "_query"),
      ];
    }).flat(),
  ]);
}

function blipFamily(id: string, className: string, readsText: boolean) {
  return compositeFamily({
    id,
    classNames: [className],
    text: { modelType: "opt", ties: "text-alone" },
    names: "language_model",
    towers: (config) => [blipVision(part(config, "vision_config"), "vision_model")],
    projector: ({ config, textSize, visionSize }) => {
      const former = optionalPart(config, "qformer_config", Q_FORMER);
      const size = former.int("hidden_size");
      return [
        vector("query_tokens", "projector", [1, config.int("num_query_tokens", 32), size]),
        ...qFormer(former, visionSize, readsText),
        ...projection("language_projection", textSize, size, true),
      ];
    },
  });
}
export const blip2 = blipFamily("blip-2", "Blip2ForConditionalGeneration", false);
export const instructBlip = blipFamily("instructblip", "InstructBlipForConditionalGeneration", true);
export const instructBlipVideo = blipFamily(
  "instructblipvideo",
  "InstructBlipVideoForConditionalGeneration",
  true,
);
