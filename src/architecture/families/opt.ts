import { familyOf } from "../decoder-row.ts";
import { linear, positionEmbedding } from "../tensors.ts";

/**
 * Learned positions with two rows to spare, biases by `enable_bias`, tied. OPT-350M norms after the
 * sublayers, so it has no final norm, and projects a narrower embedding in and out.
 */
export const opt = familyOf(
  {
    id: "opt",
    classNames: ["OPTForCausalLM"],
    classSizes: [768, 3072, 12, 12, 50272],
    tied: true,
    norm: "layer",
    layerNorms: ["self_attn_layer_norm", "final_layer_norm"],
    qkvBias: { key: "enable_bias", otherwise: true },
    oBias: { key: "enable_bias", otherwise: true },
    mlpBias: { key: "enable_bias", otherwise: true },
    attention: { outName: "out_proj" },
    plainMlp: ["fc1", "fc2"],
    activation: "relu",
    names: {
      embedding: "model.decoder.embed_tokens",
      layers: "model.decoder.layers",
      finalNorm: "model.decoder.final_layer_norm",
    },
  },
  (config) => {
    const hiddenSize = config.int("hidden_size", 768);
    const embeddingDim = config.int("word_embed_proj_dim", hiddenSize);
    const projection = (name: string, outDim: number, inDim: number) =>
      linear({ name: `model.decoder.${name}`, role: "other", group: "other", outDim, inDim });
    return {
      norm: config.flag("layer_norm_elementwise_affine", true) ? "layer" : "none",
      finalNorm: config.flag("do_layer_norm_before", true) && !config.flag("_remove_final_layer_norm", false),
      embeddingDim,
      extras: (given, sizes) => [
        positionEmbedding(
          "model.decoder.embed_positions",
          given.int("max_position_embeddings", 2048) + 2,
          sizes.hiddenSize,
        ),
        ...(embeddingDim === hiddenSize
          ? []
          : [
              ...projection("project_in", hiddenSize, embeddingDim),
              ...projection("project_out", embeddingDim, hiddenSize),
            ]),
      ],
    };
  },
);
