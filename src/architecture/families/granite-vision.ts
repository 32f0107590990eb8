/** Granite 4 Vision: SigLIP, eight Q-Formers over windows of its layers, Granite's decoder. */
import { projection } from "../composite.ts";
import { type CompositeParts, compositeFamily } from "../composite-row.ts";
import { readConfig, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { norm, vector } from "../tensors.ts";
import { inGroup } from "../towers/tower.ts";
import { qFormer } from "./blip.ts";
import { encoderAt } from "./llava.ts";

/** "4/8": sixteen queries over windows of sixty-four patches. */
const SIDES = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/;

/** One projector per pair of layers in deepstack_layer_map and one per offset of a two by two grid. */
function projectors({ config, textSize, visionSize }: CompositeParts): Tensor[] {
  const [, query, window] =
    SIDES.exec(config.text("downsample_rate")) ?? config.fail("downsample_rate", "two sides, as in 4/8");
  const pairs = config.raw.deepstack_layer_map;
  if (!Array.isArray(pairs) || pairs.length > 1000)
    return config.fail("deepstack_layer_map", "at most 1,000 pairs of layers");
  const former = withDefaults(
    config.child("qformer_config") ?? readConfig({}, config.file),
    config.has("qformer_config")
      ? { hidden_size: 768, num_hidden_layers: 12, intermediate_size: 3072, cross_attention_frequency: 2 }
      : {
          hidden_size: visionSize,
          num_hidden_layers: 1,
          intermediate_size: 3072,
          cross_attention_frequency: 1,
        },
  );
  const read = former.int("encoder_hidden_size", config.has("qformer_config") ? 1408 : visionSize);
  const one = (at: string): Tensor[] => [
    vector(`${at}.query`, "projector", [1, Number(query) ** 2, visionSize]),
    vector(`${at}.image_positions`, "projector", [1, Number(window) ** 2, visionSize]),
    ...qFormer(former, read, false, `${at}.qformer`),
    ...inGroup("projector", norm(`${at}.norm`, visionSize, "bias")),
    ...projection(`${at}.out_linear`, textSize, visionSize, true),
  ];
  return [
    vector("model.image_newline", "projector", [textSize]),
    ...pairs.flatMap((_, i) => one(`model.layerwise_projectors.${i}`)),
    ...[0, 1, 2, 3].flatMap((i) => one(`model.spatial_projectors.${i}`)),
  ];
}

export const granite4Vision = compositeFamily({
  id: "granite4_vision",
  classNames: ["Granite4VisionForConditionalGeneration"],
  text: { modelType: "granite", readAs: "granite", tied: false, ties: "top-alone" },
  names: "model.language_model",
  towers: encoderAt("model.vision_tower", "clip_vision_model"),
  projector: projectors,
});
