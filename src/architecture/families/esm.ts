/** ESM-2 (10.1126/science.ade2574), BERT over amino acids: norms before the sublayers, a head that predicts contacts. */
import { withDefaults } from "../config-reader.ts";
import { denseClassifier, encoderFamily, headLinear, maskedLmHead, pooler } from "../encoder-row.ts";
import { buffer, norm } from "../tensors.ts";
import { BERT, BERT_NAMES, bertEmbeddings, bertLayer, LM_HEAD, token } from "./bert.ts";
import { nucleotideMlp, withGatedMlp } from "./gated-bert.ts";

export const esm = encoderFamily({
  ...BERT,
  id: "esm",
  classPrefixes: ["Esm"],
  prefix: "esm",
  outside: (config, sizes) => {
    const { hiddenSize, layers } = sizes;
    const kind = config.text("position_embedding_type", "absolute");
    if (kind !== "absolute" && kind !== "rotary")
      config.fail("position_embedding_type", "absolute or rotary");
    const heads = config.int("num_attention_heads");
    if (hiddenSize % heads !== 0)
      config.fail("num_attention_heads", `a divisor of the hidden size ${hiddenSize}`);
    const rotary = kind === "rotary";
    const words = bertEmbeddings(withDefaults(config, { max_position_embeddings: 1026 }), sizes, {
      types: 0,
    }).filter(
      ({ role, name }) =>
        !name.startsWith("embeddings.LayerNorm") &&
        !name.includes("token_type") &&
        !(rotary && role === "position-embedding"),
    );
    return [
      ...words,
      ...(config.flag("emb_layer_norm_before", false)
        ? norm("embeddings.layer_norm", hiddenSize, "bias")
        : []),
      ...(rotary
        ? [buffer("rotary_embeddings.inv_freq", "positions", [Math.floor(hiddenSize / heads / 2)])]
        : []),
      ...norm("encoder.emb_layer_norm_after", hiddenSize, "bias"),
      ...headLinear("contact_head.regression", 1, layers * heads),
    ];
  },
  layer: (config, { hiddenSize }) => {
    const layer = bertLayer(config, { ...BERT_NAMES, norms: ["attention.LayerNorm", "LayerNorm"] });
    // Nucleotide Transformer v2, a class of its own under this model type.
    return config.has("add_bias_fnn") ? withGatedMlp(layer, hiddenSize, nucleotideMlp(config)) : layer;
  },
  heads: {
    plain: ({ hiddenSize }) => pooler("pooler.dense", hiddenSize),
    "masked-lm": (context) => maskedLmHead(context, { ...LM_HEAD, sharedBias: false }),
    sequence: (context) => denseClassifier(context, "classifier.dense", "classifier.out_proj"),
    token,
  },
});
