import { encoderFamily, headLinear, tokenHead } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import { embedding, norm, positionEmbedding } from "../tensors.ts";
import { BERT, bertLayer, question, token } from "./bert.ts";

/** XLM and FlauBERT: learned positions, 4h wide MLPs, a norm after each sublayer. */
function crossLingual(id: string, prefix: string): Family {
  return encoderFamily({
    ...BERT,
    id,
    classPrefixes: [prefix],
    classNames: {
      [`${prefix}WithLMHeadModel`]: "masked-lm",
      [`${prefix}ForQuestionAnsweringSimple`]: "question",
    },
    prefix: "transformer",
    layersName: "layers",
    sizes: (config) => {
      const hiddenSize = config.int(["emb_dim", "hidden_size"], 2048);
      return {
        hiddenSize,
        layers: config.layers(["n_layers", "num_hidden_layers"], 12),
        vocabSize: config.int(["vocab_size", "n_words"], 30_145),
        embeddingSize: hiddenSize,
      };
    },
    outside: (config, { hiddenSize, vocabSize }) => {
      if (config.flag("asm", false)) config.fail("asm", "false: a softmax over the whole vocabulary");
      const languages = config.int("n_langs", 1);
      const withLanguages = config.flag("use_lang_emb", true) && languages > 1;
      return [
        embedding("embeddings", vocabSize, hiddenSize),
        positionEmbedding("position_embeddings", config.int("max_position_embeddings", 512), hiddenSize),
        ...(withLanguages
          ? [{ ...embedding("lang_embeddings", languages, hiddenSize), split: "replicated" as const }]
          : []),
        ...norm("layer_norm_emb", hiddenSize, "bias"),
      ];
    },
    layer: (config, { hiddenSize }) =>
      bertLayer(config, XLM_NAMES, "gelu", {
        hiddenSize,
        heads: config.int(["n_heads", "num_attention_heads"], 16),
        width: 4 * hiddenSize,
      }),
    heads: {
      plain: () => [],
      "masked-lm": ({ vocabSize, hiddenSize, tied }) =>
        tokenHead("pred_layer.proj", vocabSize, hiddenSize, { tied }),
      sequence: ({ config, labels, hiddenSize }) =>
        config.flag("summary_use_proj", true)
          ? headLinear(
              "sequence_summary.summary",
              config.flag("summary_proj_to_labels", true) ? labels : hiddenSize,
              hiddenSize,
            )
          : [],
      token,
      question,
    },
  });
}
const XLM_NAMES = {
  attention: "attentions",
  projections: ["q_lin", "k_lin", "v_lin", "out_lin"],
  mlp: ["ffns.lin1", "ffns.lin2"],
  norms: ["layer_norm1", "layer_norm2"],
} as const;

export const xlm = crossLingual("xlm", "XLM");
export const flaubert = crossLingual("flaubert", "Flaubert");
