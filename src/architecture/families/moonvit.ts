/** MoonViT before a decoder, in classes of the models' own repositories: Kimi-VL and LocateAnything. */

import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { norm } from "../tensors.ts";
import { moonVision } from "../towers/moon-vision.ts";
import { inGroup } from "../towers/tower.ts";
import { mergedPatches } from "./vision-language.ts";

const merged = (config: ConfigReader, visionSize: number): number =>
  visionSize * mergedPatches(part(config, "vision_config"));

/**
 * A norm per patch, then two biased linears over 2 x 2 patches.
 *
 * Reading: Kimi-VL-A3B loads as 30.74 GiB in vLLM 0.19.
 */
export const kimiVl = compositeFamily({
  id: "kimi_vl",
  classNames: ["KimiVLForConditionalGeneration"],
  text: { modelType: "deepseek_v3", ties: "text-alone" },
  names: "language_model",
  towers: (config) => [moonVision(part(config, "vision_config"), "vision_tower")],
  projector: ({ config, textSize, visionSize }) => {
    const width = merged(config, visionSize);
    return [
      ...inGroup("projector", norm("multi_modal_projector.pre_norm", visionSize, "bias")),
      ...projection("multi_modal_projector.linear_1", width, width, true),
      ...projection("multi_modal_projector.linear_2", textSize, width, true),
    ];
  },
  customCode: "MoonViT and DeepSeek-V3's decoder",
});

/** A norm over 2 x 2 patches, then two biased linears (Eagle's connector). */
export const locateAnything = compositeFamily({
  id: "locateanything",
  classNames: ["LocateAnythingForConditionalGeneration"],
  text: { modelType: "qwen2", ties: "text-alone" },
  names: "language_model",
  towers: (config) => [moonVision(part(config, "vision_config"), "vision_model")],
  check: (config) => {
    if (config.int("mlp_connector_layers", 2) !== 2) config.fail("mlp_connector_layers", "2");
  },
  projector: ({ config, textSize, visionSize }) => {
    const width = merged(config, visionSize);
    return [
      ...inGroup("projector", norm("mlp1.0", width, "bias")),
      ...projection("mlp1.1", textSize, width, true),
      ...projection("mlp1.3", textSize, textSize, true),
    ];
  },
  customCode: "MoonViT and Qwen 2.5",
});
