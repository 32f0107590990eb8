/** Decoders with fairseq's layer: biases everywhere around LayerNorms, the MLP directly in the layer. */
import { overriding } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { POSITION_KEYS, readDecoderSizes } from "../decoder-sizes.ts";
import { positionEmbedding } from "../tensors.ts";

const FAIRSEQ: DecoderRow = {
  id: "xglm",
  tied: true,
  norm: "layer",
  layerNorms: ["self_attn_layer_norm", "final_layer_norm"],
  qkvBias: true,
  oBias: true,
  mlpBias: true,
  attention: { outName: "out_proj" },
  mlpName: "",
  plainMlp: ["fc1", "fc2"],
  activation: "gelu",
};

/** XGLM: sinusoidal positions that no file holds. */
export const xglm = familyOf({
  ...FAIRSEQ,
  classNames: ["XGLMForCausalLM"],
  names: { finalNorm: "model.layer_norm" },
  sizes: (config) =>
    readDecoderSizes(
      overriding(config, { num_attention_heads: config.int(["attention_heads", "num_attention_heads"]) }),
      { tied: true },
    ),
});

/** BioGPT: learned positions with an offset of two. */
export const biogpt = familyOf({
  ...FAIRSEQ,
  id: "biogpt",
  classNames: ["BioGptForCausalLM"],
  names: {
    embedding: "biogpt.embed_tokens",
    layers: "biogpt.layers",
    finalNorm: "biogpt.layer_norm",
    head: "output_projection",
  },
  extras: (config, { hiddenSize }) => [
    positionEmbedding("biogpt.embed_positions", config.int(POSITION_KEYS, 1024) + 2, hiddenSize),
  ],
});
