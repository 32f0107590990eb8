/** InternVL: InternViT, pixel shuffle, a norm and two linears, and any decoder. */

import { composite, languageModel, part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { customCodeNote } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { norm } from "../tensors.ts";
import { internVisionNative, internVisionPublished } from "../towers/intern-vision.ts";
import { inGroup } from "../towers/tower.ts";

/** Patches that pixel shuffle folds into one: (1 / downsample_ratio) squared. */
function foldedPatches(config: ConfigReader): number {
  const ratio = config.number("downsample_ratio", 0.5);
  const side = Math.trunc(1 / ratio);
  if (!(side >= 1 && side <= 100)) config.fail("downsample_ratio", "a ratio from 0.01 to 1");
  return side ** 2;
}

/** norm 2d, lin(d, h), lin(h, h) with d the folded width. */
function projector(names: readonly [string, string, string], folded: number, textSize: number): Tensor[] {
  return [
    ...inGroup("projector", norm(names[0], folded, "bias")),
    ...projection(names[1], textSize, folded, true),
    ...projection(names[2], textSize, textSize, true),
  ];
}

const PUBLISHED = ["mlp1.0", "mlp1.1", "mlp1.3"] as const;

/** The class of the model's own repository: the decoder under llm_config. */
export const internvlChat: Family = {
  id: "internvl_chat",
  modelTypes: ["internvl_chat", "h2ovl_chat", "skywork_chat"],
  classNames: ["InternVLChatModel", "H2OVLChatModel", "SkyworkR1VChatModel"],
  build: (config, families) => {
    const text = languageModel(config, families, { keys: ["llm_config"], modelType: "internlm2" });
    const tower = internVisionPublished(part(config, "vision_config"), "vision_model");
    const folded = tower.stacks[0]!.hiddenSize * foldedPatches(config);
    const draft = composite({
      family: "internvl_chat",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: projector(PUBLISHED, folded, text.hiddenSize),
    });
    return { ...draft, notes: [...draft.notes, customCodeNote("internvl_chat", "InternViT and a decoder")] };
  },
};

/** The class of transformers, tied unless a config says otherwise; Intern-S1 is the same over Qwen3. */
export const internvl: Family = {
  id: "internvl",
  modelTypes: ["internvl", "interns1"],
  classNames: ["InternVLForConditionalGeneration", "InternS1ForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "qwen2", tied: true, ties: "top" });
    const tower = internVisionNative(part(config, "vision_config"), "vision_tower");
    const folded = tower.stacks[0]!.hiddenSize * foldedPatches(config);
    const at = (name: string): string => `multi_modal_projector.${name}`;
    return composite({
      family: "internvl",
      config,
      text,
      names: "language_model",
      towers: [tower],
      projector: projector([at("layer_norm"), at("linear_1"), at("linear_2")], folded, text.hiddenSize),
    });
  },
};

/** NVLM-D: the projector is as wide inside as the decoder's MLP, without biases. */
export const nvlmD = compositeFamily({
  id: "NVLM_D",
  classNames: ["NVLM_D_Model", "NVLM_D"],
  text: { keys: ["llm_config"], modelType: "qwen2" },
  names: "language_model",
  towers: (config) => [internVisionPublished(part(config, "vision_config"), "vision_model")],
  projector: ({ config, textSize, visionSize }) => {
    const folded = visionSize * foldedPatches(config);
    const width = part(config, "llm_config").int("intermediate_size");
    return [
      ...inGroup("projector", norm(PUBLISHED[0], folded, "bias")),
      ...projection(PUBLISHED[1], width, folded, false),
      ...projection(PUBLISHED[2], textSize, width, false),
    ];
  },
  customCode: "InternViT and a decoder",
});
