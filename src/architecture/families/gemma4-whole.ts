/** Gemma 4 with eyes and ears: as towers, or as embedders of raw patches and raw sound. */

import { composite, languageModel, projection } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { linear, norm, vector } from "../tensors.ts";
import { gemma4Audio } from "../towers/gemma-audio.ts";
import { gemma4Vision } from "../towers/gemma-vision.ts";
import { inGroup, type Tower } from "../towers/tower.ts";

/** The decoder with a vision tower, an audio tower, both or neither, each projected by one matrix. */
export const gemma4: Family = {
  id: "gemma4",
  modelTypes: ["gemma4"],
  classNames: ["Gemma4ForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "gemma4_text", ties: "top" });
    const vision = config.child("vision_config");
    const audio = config.child("audio_config");
    const towers: Tower[] = [];
    const projector = [];
    if (vision !== undefined) {
      const tower = gemma4Vision(vision, "model.vision_tower");
      towers.push(tower);
      projector.push(
        ...projection(
          "model.embed_vision.embedding_projection",
          text.hiddenSize,
          tower.stacks[0]!.hiddenSize,
          false,
        ),
      );
    }
    if (audio !== undefined) {
      towers.push(gemma4Audio(audio, "model.audio_tower"));
      const width = audio.int("output_proj_dims", 1536);
      projector.push(
        ...projection("model.embed_audio.embedding_projection", text.hiddenSize, width, false, "audio"),
      );
    }
    return composite({ family: "gemma4", config, text, names: "model.language_model", towers, projector });
  },
};

/** The same decoder over raw patches and raw sound: embedders in place of towers. */
export const gemma4Unified: Family = {
  id: "gemma4_unified",
  modelTypes: ["gemma4_unified"],
  classNames: ["Gemma4UnifiedForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "gemma4_unified_text", ties: "top" });
    const vision = config.child("vision_config");
    const audio = config.child("audio_config");
    const projector =
      audio === undefined
        ? []
        : projection(
            "model.embed_audio.embedding_projection",
            text.hiddenSize,
            audio.int("audio_embed_dim", 640),
            false,
            "audio",
          );
    if (vision !== undefined) projector.push(...patchEmbedder(vision, "model.embed_vision", text.hiddenSize));
    const names = "model.language_model";
    return composite({ family: "gemma4_unified", config, text, names, towers: [], projector });
  },
};

/** Pooled patches of raw pixels through a norm, a biased matrix, two norms and positions of rows and columns. */
function patchEmbedder(config: ConfigReader, prefix: string, textSize: number): Tensor[] {
  const side = config.int("patch_size", 16) * config.int("pooling_kernel_size", 3);
  const pixels = 3 * side ** 2;
  const width = config.int("mm_embed_dim", 3840);
  const matrix = { role: "other", group: "vision" } as const;
  return inGroup("vision", [
    vector(`${prefix}.pos_embedding`, "vision", [config.int("mm_posemb_size", 1120), 2, width]),
    ...norm(`${prefix}.patch_ln1`, pixels, "bias"),
    ...linear({ name: `${prefix}.patch_dense`, ...matrix, outDim: width, inDim: pixels, bias: true }),
    ...norm(`${prefix}.patch_ln2`, width, "bias"),
    ...norm(`${prefix}.pos_norm`, width, "bias"),
    ...linear({
      name: `${prefix}.multimodal_embedder.embedding_projection`,
      ...matrix,
      outDim: textSize,
      inDim: config.int("output_proj_dims", width),
    }),
  ]);
}
