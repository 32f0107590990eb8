/** Ovis 2: images as words of a vocabulary of their own. */

import { part } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { stackOf } from "../stack.ts";
import { convolution, embedding, linear, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { encoderLayer, inGroup, patchCount, readEncoderHeads, squareSize } from "../towers/tower.ts";

/** AIMv2's layers, RMSNorms throughout, and a head that chooses among words of its own. */
const ovisVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1024,
    intermediate_size: 2816,
    num_hidden_layers: 24,
    num_attention_heads: 8,
    image_size: 224,
    patch_size: 14,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const [height, width] = squareSize(config, "patch_size");
  const at = (name: string): string => `${prefix}.transformer.${name}`;
  const words = visualWords(config);
  const stride = config.int("hidden_stride", 1);
  const qkv = config.flag("qkv_bias", false);
  return {
    stacks: [
      stackOf({
        role: "vision",
        prefix: at("encoder.layers"),
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: () =>
          encoderLayer({
            hiddenSize,
            heads,
            attention: { name: "attention", outName: "out_proj", bias: { qkv, o: qkv } },
            mlp: {
              name: "ffn",
              width: config.int("intermediate_size"),
              activation: activationOf(config, "silu"),
              bias: config.flag("mlp_bias", false),
              gated: ["gate_proj", "up_proj", "down_proj"],
            },
            norm: "rms",
            norms: ["rms_norm1", "rms_norm2"],
          }),
      }),
    ],
    tensors: inGroup("vision", [
      ...convolution({
        name: at("embeddings.patch_embedding"),
        group: "vision",
        shape: [hiddenSize, config.int("num_channels", 3), height, width],
        bias: true,
      }),
      positionEmbedding(at("embeddings.position_embedding"), patchCount(config), hiddenSize),
      ...norm(at("embeddings.rms_norm"), hiddenSize),
      ...norm(at("rms_norm"), hiddenSize),
      ...linear({
        name: `${prefix}.head_linear`,
        role: "other",
        group: "vision",
        outDim: words,
        inDim: hiddenSize * stride ** 2,
      }),
      ...norm(`${prefix}.head_norm`, words, "bias"),
    ]),
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
