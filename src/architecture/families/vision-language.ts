/** Composites with a tower of their own: Kimi K2.5, MiniMax M3, Muse Glimmer, Llama 4. */

import { composite, languageModel, part, projection } from "../composite.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { customCodeNote } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { norm } from "../tensors.ts";
import { clipLayer } from "../towers/image-encoders.ts";
import { llama4Vision } from "../towers/llama-vision.ts";
import { moonVision, museVision } from "../towers/moon-vision.ts";
import { temporalPatches } from "../towers/qwen-vision.ts";
import { inGroup, towerOf } from "../towers/tower.ts";

/** Patches merged into one: merge_kernel_size, a height and a width. */
export function mergedPatches(vision: ConfigReader): number {
  const [height, width, ...rest] = vision.ints("merge_kernel_size") ?? [2, 2];
  if (height === undefined || width === undefined || height * width === 0 || rest.length > 0)
    return vision.fail("merge_kernel_size", "a height and a width");
  return height * width;
}

/** MoonViT; its patches are normalised, merged and projected by two biased linears. */
export const kimiK25: Family = {
  id: "kimi_k25",
  modelTypes: ["kimi_k25"],
  classNames: ["KimiK25ForConditionalGeneration", "Kimi_K25ForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "deepseek_v3", tied: true, ties: "top" });
    const vision = part(config, "vision_config");
    const tower = moonVision(vision, "vision_tower");
    const merged = tower.stacks[0]!.hiddenSize * mergedPatches(vision);
    const normed = config.int("projection_hidden_size", vision.int("mm_hidden_size", 1152));
    return composite({
      family: "kimi_k25",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: [
        ...inGroup("projector", norm("mm_projector.pre_norm", normed, "bias")),
        ...projection("mm_projector.proj.0", merged, merged, true),
        ...projection("mm_projector.proj.2", text.hiddenSize, merged, true),
      ],
    });
  },
};

/** Kimi Linear's decoder at K3's size; the projector has no biases and normalises what it writes. */
export const kimiK3: Family = {
  id: "kimi_k3",
  modelTypes: ["kimi_k3"],
  classNames: ["KimiK3ForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "kimi_linear" });
    const vision = part(config, "vision_config");
    if (vision.text("mm_projector_type", "patchmergerv2") !== "patchmergerv2")
      vision.fail("mm_projector_type", "patchmergerv2");
    const tower = moonVision(vision, "vision_tower");
    const merged = vision.int("mm_hidden_size", tower.stacks[0]!.hiddenSize) * mergedPatches(vision);
    const draft = composite({
      family: "kimi_k3",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: [
        ...projection("mm_projector.proj.0", merged, merged, false),
        ...projection("mm_projector.proj.2", text.hiddenSize, merged, false),
        ...inGroup("projector", norm("mm_projector.post_norm", text.hiddenSize)),
      ],
    });
    return { ...draft, notes: [...draft.notes, customCodeNote("kimi_k3", "Kimi Linear with MoonViT")] };
  },
};

/** CLIP-like layers over patches of space and time; two linears per patch, two more per merged group. */
export const minimaxM3Vl: Family = {
  id: "minimax_m3_vl",
  modelTypes: ["minimax_m3_vl"],
  classNames: ["MiniMaxM3SparseForConditionalGeneration", "MiniMaxM3VLForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "minimax_m3_vl_text",
      readAs: "minimax_m3_vl_text",
      ties: "either",
    });
    const vision = withDefaults(part(config, "vision_config"), {
      hidden_size: 1280,
      intermediate_size: 5120,
      num_hidden_layers: 32,
      num_attention_heads: 16,
      patch_size: 14,
      temporal_patch_size: 2,
      spatial_merge_size: 2,
    });
    const hiddenSize = vision.int("hidden_size");
    const prefix = "vision_tower";
    const tower = towerOf({
      role: "vision",
      prefix: `${prefix}.layers`,
      hiddenSize,
      layers: vision.layers("num_hidden_layers"),
      layer: clipLayer(vision, "gelu"),
      outside: [
        ...temporalPatches(vision, `${prefix}.embeddings.proj`, hiddenSize, false),
        ...norm(`${prefix}.pre_layrnorm`, hiddenSize, "bias"),
      ],
    });
    const width = config.int("projector_hidden_size", 6144);
    const merged = text.hiddenSize * vision.int("spatial_merge_size") ** 2;
    const at = (name: string): string => `multi_modal_projector.${name}`;
    return composite({
      family: "minimax_m3_vl",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: [
        ...projection(at("linear_1"), width, hiddenSize, true),
        ...projection(at("linear_2"), text.hiddenSize, width, true),
        ...projection(at("merge_linear_1"), width, merged, true),
        ...projection(at("merge_linear_2"), text.hiddenSize, width, true),
      ],
    });
  },
};

/** Merged patches of out_hidden_size through two matrices of projector_hidden_size into the text width. */
export const museGlimmer: Family = {
  id: "muse_glimmer",
  modelTypes: ["muse_glimmer"],
  classNames: ["MuseGlimmerForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "muse_glimmer_text", ties: "top-alone" });
    const width = config.int("projector_hidden_size", 4096);
    return composite({
      family: "muse_glimmer",
      config,
      text,
      names: "model.language_model",
      towers: [museVision(part(config, "vision_config"), "model.vision_tower")],
      projector: [
        ...projection("model.vision_adapter.fc1", width, config.int("out_hidden_size", 6144), false),
        ...projection("model.vision_adapter.fc2", width, width, false),
        ...projection("model.vision_projection", text.hiddenSize, width, false),
      ],
    });
  },
};

/** One matrix from the tower's output into the text width. */
export const llama4: Family = {
  id: "llama4",
  modelTypes: ["llama4"],
  classNames: ["Llama4ForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "llama4_text", ties: "text-alone" });
    const vision = part(config, "vision_config");
    return composite({
      family: "llama4",
      config,
      text,
      names: "language_model",
      towers: [llama4Vision(vision, "vision_model")],
      projector: projection(
        "multi_modal_projector.linear_1",
        text.hiddenSize,
        vision.int("vision_output_dim", 7680),
        false,
      ),
    });
  },
};
