import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { familyOf } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { layerTypes } from "../stack.ts";
import { linear, norm, tensor } from "../tensors.ts";

const CAUSAL = "ModernBertDecoderForCausalLM";
const BARE = "ModernBertDecoderModel";
const CLASSIFIES = "ModernBertDecoderForSequenceClassification";

/**
 * ModernBERT read from left to right: q, k and v apart, two of three layers over half of local_attention, no attention
 * norm in layer 0, and the masked head's dense layer before the output.
 */
const layers = familyOf(
  {
    id: "modernbert-decoder",
    classNames: [CAUSAL, BARE, CLASSIFIES],
    classSizes: [768, 1152, 22, 12, 50_368],
    tied: true,
    norm: "layer-no-bias",
    layerNorms: ["mlp_norm"],
    mlpBias: { key: "mlp_bias", otherwise: false },
    gatedMlp: ["gate", "up", "Wo"],
    fusedGateUp: "Wi",
    activation: "gelu",
    names: {
      embedding: "model.embeddings.tok_embeddings",
      layers: "model.layers",
      finalNorm: "model.final_norm",
      head: "decoder",
    },
    mixer: (config, { hiddenSize, layers, heads, kvHeads, headDim }) => {
      const types = layerTypes(config, layers, ["layer_types"], ["full_attention", "sliding_attention"]);
      const every = config.int("global_attn_every_n_layers", 3);
      const isFull = (layer: number): boolean =>
        types === undefined ? layer % every === 0 : types[layer] === "full_attention";
      const windowTokens = Math.max(1, Math.floor(config.int("local_attention", 128) / 2));
      const bias = config.flag("attention_bias", false);
      const normed = config.flag("norm_bias", false) ? "bias" : "no-bias";
      return {
        keyOf: (layer) => `${isFull(layer)} ${layer === 0}`,
        build: (layer) => {
          const parts = selfAttention({
            name: "attn",
            hiddenSize,
            heads,
            kvHeads,
            keyDim: headDim,
            outName: "Wo",
            bias: { qkv: bias, o: bias },
            ...(isFull(layer) ? {} : { windowTokens }),
          });
          return layer === 0
            ? parts
            : { ...parts, tensors: [...parts.tensors, ...norm("attn_norm", hiddenSize, normed)] };
        },
      };
    },
    extras: (config, { hiddenSize, vocabSize }) => {
      const normed = config.flag("norm_bias", false) ? "bias" : "no-bias";
      return [
        ...norm("model.embeddings.norm", hiddenSize, normed),
        ...linear({
          name: "lm_head.dense",
          role: "head",
          group: "lm-head",
          outDim: hiddenSize,
          inDim: hiddenSize,
          bias: config.flag("classifier_bias", false),
        }),
        ...norm("lm_head.norm", hiddenSize, normed),
        ...(config.flag("decoder_bias", true)
          ? [
              tensor({
                name: "decoder.bias",
                role: "head",
                kind: "bias",
                group: "lm-head",
                shape: [vocabSize],
                split: "vocab",
              }),
            ]
          : []),
      ];
    },
  },
  (config) => ({ norm: config.flag("norm_bias", false) ? "layer" : "layer-no-bias" }),
);

/** The class's head over words; or none, or a dense layer, a norm and scores. */
export const modernbertDecoder: Family = {
  ...layers,
  build: (config, families) => {
    const named = classNamed(config, [CAUSAL, BARE, CLASSIFIES]);
    const draft = layers.build(config, families);
    if (named === CAUSAL) return draft;
    const { hiddenSize } = draft;
    const bias = config.flag("classifier_bias", false);
    const dense = (name: string, outDim: number): Tensor[] =>
      linear({ name, role: "head", group: "lm-head", outDim, inDim: hiddenSize, bias });
    const scores = [
      ...dense("head.dense", hiddenSize),
      ...norm("head.norm", hiddenSize, config.flag("norm_bias", false) ? "bias" : "no-bias"),
      ...dense("classifier", labelCount(config)),
    ];
    const body = draft.tensors.filter(({ role, name }) => role !== "head" && !name.startsWith("lm_head."));
    return { ...draft, tied: false, tensors: [...body, ...(named === CLASSIFIES ? scores : [])] };
  },
};
