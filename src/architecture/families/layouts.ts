/** Encoders of pages: LayoutLM (arXiv:1912.13318) and LayoutLMv3 (arXiv:2204.08387), which add where each word stands. */
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { denseClassifier, encoderFamily, headLinear, maskedLmHead, pooler } from "../encoder-row.ts";
import type { Family } from "../family.ts";
import type { Tensor } from "../model.ts";
import { norm, positionEmbedding, vector } from "../tensors.ts";
import { imagePatches, inGroup, squareSize } from "../towers/tower.ts";
import { BERT, BERT_MLM, bertEmbeddings, relativePositions, token } from "./bert.ts";

/** Tables of left and right, top and bottom, height and width. */
const boxes = (config: ConfigReader, sizes: readonly [side: number, extent: number]): Tensor[] =>
  ["x", "y", "h", "w"].map((axis, i) =>
    positionEmbedding(
      `embeddings.${axis}_position_embeddings`,
      config.int("max_2d_position_embeddings", 1024),
      sizes[i < 2 ? 0 : 1],
    ),
  );

/** The pooler stands in every class. */
const pooled = (size: number): Tensor[] => pooler("layoutlm.pooler.dense", size);

const layoutLm = encoderFamily({
  ...BERT,
  id: "layoutlm",
  classPrefixes: ["LayoutLM"],
  prefix: "layoutlm",
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...boxes(config, [sizes.hiddenSize, sizes.hiddenSize]),
  ],
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => [...pooled(context.hiddenSize), ...maskedLmHead(context, BERT_MLM)],
    sequence: (context) => [...pooled(context.hiddenSize), ...token(context)],
    token: (context) => [...pooled(context.hiddenSize), ...token(context)],
    question: ({ hiddenSize }) => [...pooled(hiddenSize), ...headLinear("qa_outputs", 2, hiddenSize)],
  },
});

/** Patches of the page before the words, and biases by distance along the text, across and down the page. */
const layoutLmV3 = encoderFamily({
  ...BERT,
  id: "layoutlmv3",
  classPrefixes: ["LayoutLMv3"],
  prefix: "layoutlmv3",
  outside: (config, sizes) => {
    const { hiddenSize } = sizes;
    const heads = config.int("num_attention_heads");
    const bins = config.int("rel_2d_pos_bins", 64);
    const patched = (): Tensor[] => {
      const image = withDefaults(config, { patch_size: 16 });
      const [height, width] = squareSize(image, "patch_size");
      const side = config.int("input_size", 224);
      const rows = Math.floor(side / height) * Math.floor(side / width) + 1;
      return [
        ...inGroup("vision", [
          ...imagePatches(image, "patch_embed.proj", hiddenSize),
          vector("cls_token", "vision", [1, 1, hiddenSize]),
          vector("pos_embed", "vision", [1, rows, hiddenSize]),
        ]),
        ...norm("LayerNorm", hiddenSize, "bias"),
        ...norm("norm", hiddenSize, "bias"),
      ];
    };
    return [
      ...bertEmbeddings(config, sizes),
      ...boxes(config, [config.int("coordinate_size", 128), config.int("shape_size", 128)]),
      ...(config.flag("visual_embed", true) ? patched() : []),
      ...(config.flag("has_relative_attention_bias", true)
        ? [relativePositions("encoder.rel_pos_bias", config.int("rel_pos_bins", 32), heads)]
        : []),
      ...(config.flag("has_spatial_attention_bias", true)
        ? ["x", "y"].map((axis) => relativePositions(`encoder.rel_pos_${axis}_bias`, bins, heads))
        : []),
    ];
  },
  heads: {
    plain: () => [],
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    // Fewer than ten labels take one matrix.
    token: (context) =>
      context.labels < 10
        ? token(context)
        : denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    question: (context) =>
      denseClassifier({ ...context, labels: 2 }, "qa_outputs.dense", "qa_outputs.out_proj"),
  },
});

export const LAYOUTS: readonly Family[] = [layoutLm, layoutLmV3];
