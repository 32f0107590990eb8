/** XLNet (arXiv:1906.08237): two-stream relative attention, held as [h, heads, head size] matrices. */

import { labelCount } from "../class-heads.ts";
import { classNamed } from "../class-named.ts";
import { type ConfigReader, tiedEmbeddings } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import { activationNamed, type Family } from "../family.ts";
import type { LayerKind } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, vector } from "../tensors.ts";
import { encoderLayer } from "../towers/tower.ts";

function layer(config: ConfigReader, hiddenSize: number): LayerKind {
  const heads = config.int("n_head", 16);
  if (hiddenSize % heads !== 0) config.fail("n_head", `a divisor of d_model ${hiddenSize}`);
  const headDim = config.int("d_head", hiddenSize / heads);
  if (headDim !== hiddenSize / heads) config.fail("d_head", `d_model / n_head = ${hiddenSize / heads}`);
  const at = (name: string): string => `rel_attn.${name}`;
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: "rel_attn", names: ["q", "k", "v", "o"] },
    mlp: {
      name: "ff",
      width: config.int("d_inner", 4096),
      activation: activationNamed(config.text("ff_activation", "gelu")),
      bias: true,
      plain: ["layer_1", "layer_2"],
    },
    norm: "layer",
    norms: ["rel_attn.layer_norm", "ff.layer_norm"],
    extras: [
      vector(at("r"), "attention", [hiddenSize, heads, headDim]),
      ...["r_r_bias", "r_s_bias", "r_w_bias"].map((name) => vector(at(name), "attention", [heads, headDim])),
      vector(at("seg_embed"), "attention", [2, heads, headDim]),
    ],
  });
}

const HEADS = [
  "XLNetModel",
  "XLNetLMHeadModel",
  "XLNetForSequenceClassification",
  "XLNetForTokenClassification",
];

/** Sized without memories of earlier segments, which the class keeps only when asked. */
export const xlnet: Family = {
  id: "xlnet",
  modelTypes: ["xlnet"],
  classNames: HEADS,
  build: (config) => {
    const named = classNamed(config, HEADS);
    const prefix = named === "XLNetModel" ? "" : "transformer.";
    const hiddenSize = config.int("d_model", 1024);
    const vocabSize = config.int("vocab_size", 32_000);
    const generates = named === "XLNetLMHeadModel";
    const tied = generates && tiedEmbeddings(config, true);
    const labels = labelCount(config);
    const lmHead = head("lm_loss", vocabSize, hiddenSize, true);
    return {
      family: "xlnet",
      modelType: "xlnet",
      hiddenSize,
      vocabSize,
      tied,
      norm: "layer",
      stacks: [
        stackOf({
          role: "encoder",
          prefix: `${prefix}layer`,
          hiddenSize,
          layers: config.layers("n_layer", 24),
          build: () => layer(config, hiddenSize),
        }),
      ],
      tensors: [
        vector(`${prefix}mask_emb`, "embedding", [1, 1, hiddenSize]),
        embedding(`${prefix}word_embedding`, vocabSize, hiddenSize),
        ...(generates ? lmHead.slice(tied ? 1 : 0) : []),
        ...(named === "XLNetForSequenceClassification"
          ? [
              ...headLinear("sequence_summary.summary", hiddenSize, hiddenSize),
              ...headLinear("logits_proj", labels, hiddenSize),
            ]
          : []),
        ...(named === "XLNetForTokenClassification" ? headLinear("classifier", labels, hiddenSize) : []),
      ],
      notes: [],
    };
  },
};
