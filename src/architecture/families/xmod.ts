import { encoderFamily } from "../encoder-row.ts";
import { linear, norm } from "../tensors.ts";
import { BERT, BERT_NAMES, bertEmbeddings, bertLayer, ROBERTA_HEADS } from "./bert.ts";
import { beside } from "./bert-additions.ts";

/** RoBERTa with a bottleneck per language in each layer (arXiv:2205.06266). */
export const xmod = encoderFamily({
  ...BERT,
  id: "xmod",
  classPrefixes: ["Xmod"],
  prefix: "roberta",
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...(config.flag("pre_norm", false) ? norm("encoder.LayerNorm", sizes.hiddenSize, "bias") : []),
  ],
  layer: (config, { hiddenSize }) => {
    const width = Math.floor(hiddenSize / config.number("adapter_reduction_factor", 2));
    if (width < 1) config.fail("adapter_reduction_factor", `at most the hidden size ${hiddenSize}`);
    const languages = config.texts("languages") ?? ["en_XX"];
    return beside(bertLayer(config, BERT_NAMES), [
      ...(config.flag("adapter_layer_norm", false)
        ? norm("output.adapter_layer_norm", hiddenSize, "bias")
        : []),
      ...[...new Set(languages)].flatMap((language) => {
        const at = (name: string): string => `output.adapter_modules.${language}.${name}`;
        return [
          ...linear({
            name: at("dense1"),
            role: "other",
            group: "mlp",
            outDim: width,
            inDim: hiddenSize,
            bias: true,
          }),
          ...linear({
            name: at("dense2"),
            role: "other",
            group: "mlp",
            outDim: hiddenSize,
            inDim: width,
            bias: true,
          }),
        ];
      }),
    ]);
  },
  heads: ROBERTA_HEADS,
});
