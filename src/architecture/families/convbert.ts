/** ConvBERT: half of the heads are convolutions. */
import type { ConfigReader } from "../config-reader.ts";
import { denseClassifier, encoderFamily, headLinear, tokenHead } from "../encoder-row.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { linear, norm, otherLinear, vector } from "../tensors.ts";
import { BERT, BERT_NAMES, bertEmbeddings, bertLayer, question, readSizes, token } from "./bert.ts";

/** Fewer heads of attention, and a dynamic convolution instead of the others (arXiv:2008.02496). */
export const convbert = encoderFamily({
  ...BERT,
  id: "convbert",
  classPrefixes: ["ConvBert"],
  prefix: "convbert",
  sizes: (config) => readSizes(config, "embedding_size", 768),
  outside: (config, sizes) => [
    ...bertEmbeddings(config, sizes),
    ...(sizes.embeddingSize === sizes.hiddenSize
      ? []
      : otherLinear("embeddings_project", sizes.hiddenSize, sizes.embeddingSize)),
  ],
  layer: (config, { hiddenSize }) => convbertLayer(config, hiddenSize),
  heads: {
    plain: () => [],
    "masked-lm": ({ hiddenSize, embeddingSize, vocabSize, tied }) => [
      ...norm("generator_predictions.LayerNorm", embeddingSize, "bias"),
      ...headLinear("generator_predictions.dense", embeddingSize, hiddenSize),
      ...tokenHead("generator_lm_head", vocabSize, embeddingSize, { tied }),
    ],
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
    question,
  },
});

function convbertLayer(config: ConfigReader, hiddenSize: number): LayerKind {
  const all = config.int("num_attention_heads");
  const kernel = config.int("conv_kernel_size", 9);
  const groups = config.int("num_groups", 1);
  // Below one head of attention the class keeps one; its head size is half of what the heads leave.
  const heads = Math.max(1, Math.floor(all / config.int("head_ratio", 2)));
  const headDim = Math.floor(Math.floor(hiddenSize / heads) / 2);
  const inner = heads * headDim;
  if (headDim < 1) config.fail("num_attention_heads", `at most half the hidden size ${hiddenSize}`);
  const layer = bertLayer(config, BERT_NAMES, "gelu", { hiddenSize, heads, headDim });
  const own = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `attention.self.${name}`, role: "other", group: "attention", outDim, inDim, bias: true });
  const conv = (name: string, shape: readonly number[]): Tensor =>
    vector(`attention.self.key_conv_attn_layer.${name}`, "attention", shape);
  return {
    ...layer,
    tensors: [
      ...layer.tensors.map((t): Tensor => {
        if (t.role === "attn-o" && t.kind === "linear") return { ...t, shape: [hiddenSize, hiddenSize] };
        const grouped = groups > 1 && t.group === "mlp" && t.kind === "linear";
        return grouped ? { ...t, shape: [groups, t.shape[1]! / groups, t.shape[0]! / groups] } : t;
      }),
      conv("depthwise.weight", [hiddenSize, 1, kernel]),
      conv("pointwise.weight", [inner, hiddenSize, 1]),
      conv("bias", [inner, 1]),
      ...own("conv_kernel_layer", heads * kernel, inner),
      ...own("conv_out_layer", inner, hiddenSize),
    ],
  };
}
