/** Ovis 2: images as words of a vocabulary of their own. */

import { part } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { embedding, linear, norm } from "../tensors.ts";
import { aimVision } from "../towers/aim-vision.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { inGroup } from "../towers/tower.ts";

/** AIMv2's layers and a head that chooses among words of its own. */
const ovisVision: TowerBuilder = (config, prefix) => {
  const tower = aimVision(config, `${prefix}.transformer`);
  const { hiddenSize } = tower.stacks[0]!;
  const words = visualWords(config);
  const stride = config.int("hidden_stride", 1);
  return {
    ...tower,
    tensors: [
      ...tower.tensors,
      ...inGroup("vision", [
        ...linear({
          name: `${prefix}.head_linear`,
          role: "other",
          group: "vision",
          outDim: words,
          inDim: hiddenSize * stride ** 2,
        }),
        ...norm(`${prefix}.head_norm`, words, "bias"),
      ]),
    ],
  };
};

/** Visual words that an image patch may become; the others mark where images begin and end. */
function visualWords(config: ConfigReader): number {
  const all = config.int("vocab_size", 16_384);
  const words = all - config.count("num_visual_indicator_tokens", 5);
  if (words < 1) config.fail("num_visual_indicator_tokens", `fewer than the ${all} visual words`);
  return words;
}

/** Visual words have embeddings of their own, as wide as the text's. */
export const ovis2 = compositeFamily({
  id: "ovis2",
  classNames: ["Ovis2ForConditionalGeneration"],
  text: { modelType: "qwen2", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [ovisVision(part(config, "vision_config"), "model.vision_tower")],
  projector: ({ config }) =>
    inGroup("projector", [
      embedding(
        "model.visual_embeddings_table",
        part(config, "vision_config").int("vocab_size", 16_384),
        config.int("hidden_size", 1536),
      ),
    ]),
});
