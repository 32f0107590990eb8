/** Cohere Compass: Qwen 3's eyes with deep mergers before Cohere 2. */
import { optionalPart } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { familyOf } from "../decoder-row.ts";
import { qwen3Vision } from "../towers/qwen-vision.ts";
import { listedWindow, windowTokensOf } from "../windows.ts";
import { COHERE } from "./layer-norm.ts";

/** Cohere 2 that sees everything unless the file lists windows. */
export const compassText = familyOf({
  ...COHERE,
  id: "cohere_compass_text",
  classNames: ["CohereCompassForCausalLM"],
  qkNormWhen: false,
  window: (config, layers) => listedWindow(config, layers, windowTokensOf(config, 4096)),
});

export const compass = compositeFamily({
  id: "cohere_compass",
  classNames: ["CohereCompassForConditionalGeneration"],
  text: { modelType: "cohere_compass_text", readAs: compassText, tied: false, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [qwen3Vision(optionalPart(config, "vision_config", {}), "model.visual")],
});
