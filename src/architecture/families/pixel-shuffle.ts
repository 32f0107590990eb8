/** SigLIP towers whose patches are folded before the projector: Aya Vision, Command A Vision, LFM2-VL. */

import { composite, languageModel, part, projection } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { norm } from "../tensors.ts";
import { imageEncoder } from "../towers/image-encoders.ts";
import { inGroup } from "../towers/tower.ts";

/** A gated projector: linear_1 makes both halves, linear_2 reads their product. */
function gatedProjector(
  id: string,
  className: string,
  options: {
    readonly norm: boolean;
    readonly width: (config: ConfigReader, textSize: number) => number;
  },
): Family {
  return {
    id,
    modelTypes: [id],
    classNames: [className],
    build: (config, families) => {
      const text = languageModel(config, families, { modelType: "cohere2", tied: true, ties: "top" });
      const tower = imageEncoder(
        part(config, "vision_config"),
        "vision_tower.vision_model",
        "siglip_vision_model",
      );
      const folded = tower.stacks[0]!.hiddenSize * config.int("downsample_factor", 2) ** 2;
      const width = options.width(config, text.hiddenSize);
      const at = (name: string): string => `multi_modal_projector.${name}`;
      return composite({
        family: id,
        config,
        text,
        names: "language_model",
        towers: [tower],
        projector: [
          ...(options.norm ? inGroup("projector", norm(at("layernorm"), folded, "bias")) : []),
          ...projection(at("linear_1"), width, folded, true),
          ...projection(at("linear_2"), text.hiddenSize, Math.floor(width / 2), true),
        ],
      });
    },
  };
}

export const ayaVision = gatedProjector("aya_vision", "AyaVisionForConditionalGeneration", {
  norm: true,
  width: (config, textSize) => config.int("alignment_intermediate_size", textSize),
});
export const cohere2Vision = gatedProjector("cohere2_vision", "Cohere2VisionForConditionalGeneration", {
  norm: false,
  width: (config) => config.int("alignment_intermediate_size", 36_864),
});

/** SigLIP 2 with patches as one matrix; the norm and the biases of the projector are options. */
export const lfm2Vl: Family = {
  id: "lfm2_vl",
  modelTypes: ["lfm2_vl"],
  classNames: ["Lfm2VlForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "lfm2", tied: true, ties: "top" });
    const tower = imageEncoder(
      part(config, "vision_config"),
      "model.vision_tower.vision_model",
      "siglip2_vision_model",
    );
    const folded = tower.stacks[0]!.hiddenSize * config.int("downsample_factor", 2) ** 2;
    const width = config.int("projector_hidden_size", 2560);
    const bias = config.flag("projector_bias", true);
    const at = (name: string): string => `model.multi_modal_projector.${name}`;
    return composite({
      family: "lfm2_vl",
      config,
      text,
      names: "model.language_model",
      towers: [tower],
      projector: [
        ...(config.flag("projector_use_layernorm", true)
          ? inGroup("projector", norm(at("layer_norm"), folded, "bias"))
          : []),
        ...projection(at("linear_1"), width, folded, bias),
        ...projection(at("linear_2"), text.hiddenSize, width, bias),
      ],
    });
  },
};
