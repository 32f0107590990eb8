import { encoderFamily } from "../encoder-row.ts";
import type { Tensor } from "../model.ts";
import { buffer } from "../tensors.ts";
import { BERT, BERT_NAMES, bertEmbeddings, bertLayer, ROBERTA_HEADS } from "./bert.ts";
import { beside } from "./bert-additions.ts";

/** RoBERTa in integers: the class keeps rounded copies of its weights and scales beside them. */
export const ibert = encoderFamily({
  ...BERT,
  id: "ibert",
  classPrefixes: ["IBert"],
  prefix: "ibert",
  outside: (config, sizes) => {
    const tables = bertEmbeddings(config, sizes);
    const rounded = tables
      .filter(({ kind }) => kind === "embedding")
      .flatMap((t) => [
        buffer(`${t.name}_integer`, t.group, t.shape),
        buffer(`${t.name}_scaling_factor`, t.group, [1]),
      ]);
    const acts = ["embeddings_act1", "embeddings_act2", "LayerNorm.activation", "output_activation"];
    return [
      ...tables,
      ...rounded,
      ...acts.flatMap((name) => activationRange(`embeddings.${name}`)),
      buffer("embeddings.LayerNorm.shift", "norms", [1]),
    ];
  },
  layer: (config) => {
    const layer = bertLayer(config, BERT_NAMES);
    const rounded = layer.tensors.flatMap((t) =>
      t.kind === "linear"
        ? [
            buffer(`${t.name}_integer`, t.group, t.shape),
            buffer(`${t.name}_scaling_factor`, t.group, [t.shape[0]!]),
          ]
        : t.group === "norms"
          ? []
          : [buffer(`${t.name}_integer`, t.group, t.shape)],
    );
    return beside(layer, [
      ...rounded,
      ...IBERT_ACTIVATIONS.flatMap(activationRange),
      ...["attention.output.LayerNorm.shift", "output.LayerNorm.shift"].map((name) =>
        buffer(name, "norms", [1]),
      ),
    ]);
  },
  heads: ROBERTA_HEADS,
});

const IBERT_ACTIVATIONS = [
  ...["query", "key", "value", "output"].map((name) => `attention.self.${name}_activation`),
  "attention.self.softmax.act",
  ...["ln_input_act", "LayerNorm.activation", "output_activation"].flatMap((name) => [
    `attention.output.${name}`,
    `output.${name}`,
  ]),
  "intermediate.output_activation",
  "pre_intermediate_act",
  "pre_output_act",
];

/** Smallest, largest and scale of what passes one point. */
function activationRange(name: string): Tensor[] {
  return ["x_min", "x_max", "act_scaling_factor"].map((part) => buffer(`${name}.${part}`, "other", [1]));
}
