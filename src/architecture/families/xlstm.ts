/** xLSTM 7B (arXiv:2503.13427): matrix memories in place of attention. */
import { type ConfigReader, overriding } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { linear, norm } from "../tensors.ts";

/** x * factor rounded up to a multiple. */
function roundedUp(
  config: ConfigReader,
  key: string,
  size: number,
  otherwise: number,
  multiple: number,
): number {
  const width = Math.floor((size * config.number(key, otherwise) + multiple - 1) / multiple) * multiple;
  if (!(width >= 1 && width <= 2 ** 31)) config.fail(key, "a factor that leaves a width");
  return width;
}

const BIAS = { key: "use_bias", otherwise: false } as const;

const row = familyOf(
  {
    id: "xlstm",
    classNames: ["xLSTMForCausalLM"],
    mlpBias: BIAS,
    mlpName: "ffn",
    gatedMlp: ["proj_up_gate", "proj_up", "proj_down"],
    names: { embedding: "backbone.embeddings", layers: "backbone.blocks", finalNorm: "backbone.out_norm" },
    layerNorms: ["norm_mlstm", "norm_ffn"],
    width: (config, hiddenSize) =>
      roundedUp(config, "ffn_proj_factor", hiddenSize, 2.667, config.int("ffn_round_up_to_multiple_of", 64)),
    sizes: (config) => {
      const heads = config.int("num_heads", 8);
      return {
        hiddenSize: config.int(["hidden_size", "embedding_dim"]),
        layers: config.layers(["num_blocks", "num_hidden_layers"]),
        vocabSize: config.int("vocab_size"),
        heads,
        kvHeads: heads,
        headDim: 1,
      };
    },
    mixer: (config, { hiddenSize, heads }) => {
      const keys = roundedUp(config, "qk_dim_factor", hiddenSize, 0.5, 64);
      const values = roundedUp(config, "v_dim_factor", hiddenSize, 1, 64);
      if (keys % heads !== 0 || values % heads !== 0)
        config.fail("num_heads", `a divisor of the key width ${keys} and the value width ${values}`);
      const bias = config.flag("use_bias", false);
      const into = (name: string, outDim: number, biased = bias) =>
        linear({
          name: `mlstm_layer.${name}`,
          role: "recurrent-in",
          group: "recurrent",
          outDim,
          inDim: hiddenSize,
          bias: biased,
          split: "column",
        });
      const parts = {
        mixers: [
          {
            kind: "recurrent" as const,
            variant: "mlstm" as const,
            convChannels: 0,
            convKernel: 1,
            stateElements: (keys * values) / heads + keys + heads,
            heads,
            innerDim: values,
            stateFormat: "fp32",
          },
        ],
        tensors: [
          ...into("q", keys),
          ...into("k", keys),
          ...into("v", values),
          ...into("ogate_preact", values),
          ...into("igate_preact", heads, true),
          ...into("fgate_preact", heads, true),
          ...norm("mlstm_layer.multihead_norm", values, bias ? "bias" : "no-bias"),
          ...linear({
            name: "mlstm_layer.out_proj",
            role: "recurrent-out",
            group: "recurrent",
            outDim: hiddenSize,
            inDim: values,
            bias,
            split: "row",
          }),
        ],
      };
      return { build: () => parts };
    },
  },
  (config) => ({
    norm: config.flag("use_bias", false) ? "layer" : "rms",
    // The norm at the end has no bias, and is there whatever add_out_norm says.
    finalNorm: false,
    extras: (_config, { hiddenSize }) => norm("backbone.out_norm", hiddenSize),
  }),
);

/**
 * q and k [qk, h], v and output gate [v, h], an input and a forget gate per head, a norm over heads, out [h, v]. A
 * sequence keeps, per head, a matrix qk_d * v_d, a vector qk_d and a number, in fp32.
 *
 * The class never ties its head.
 *
 * @example xLSTM-7b: 6,865,424,896
 */
export const xlstm: Family = {
  ...row,
  build: (config, families) => row.build(overriding(config, { tie_word_embeddings: false }), families),
};
