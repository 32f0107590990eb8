/** Gated MLPs that repositories put into BERT's layers under the model types of transformers. */
import type { ConfigReader } from "../config-reader.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { linear } from "../tensors.ts";

/** Names of the projection in, which holds both halves, and of the one out, and which of them have a bias. */
export interface GatedMlpParts {
  readonly names: readonly [into: string, out: string];
  readonly bias: { readonly into: boolean; readonly out: boolean };
}

/** MosaicBERT and DNABERT-2: an input without a bias, an output with one. */
export const MOSAIC_MLP: GatedMlpParts = {
  names: ["mlp.gated_layers", "mlp.wo"],
  bias: { into: false, out: true },
};

/** Nucleotide Transformer v2: both or neither by `add_bias_fnn`. */
export const nucleotideMlp = (config: ConfigReader): GatedMlpParts => {
  const bias = config.flag("add_bias_fnn");
  return { names: ["intermediate.dense", "output.dense"], bias: { into: bias, out: bias } };
};

/**
 * The layer with a gated MLP of the same width in place of its plain one: [2f, h] and [h, f].
 *
 * @example h 768, f 3072, MosaicBERT: 3 * 768 * 3072 + 768 = 7_078_656 in place of 4_722_432
 */
export function withGatedMlp(layer: LayerKind, hiddenSize: number, parts: GatedMlpParts): LayerKind {
  const { feedForward } = layer;
  if (feedForward.kind !== "dense") return layer;
  const { width } = feedForward;
  const [into, out] = parts.names;
  const inMlp = ({ role }: Tensor): boolean => role === "mlp-up" || role === "mlp-down";
  const mlp = { group: "mlp" } as const;
  return {
    ...layer,
    feedForward: { ...feedForward, gated: true },
    tensors: [
      ...layer.tensors.filter((tensor) => !inMlp(tensor)),
      ...linear({
        ...mlp,
        name: into,
        role: "mlp-gate-up",
        outDim: 2 * width,
        inDim: hiddenSize,
        split: "column",
        bias: parts.bias.into,
      }),
      ...linear({
        ...mlp,
        name: out,
        role: "mlp-down",
        outDim: hiddenSize,
        inDim: width,
        split: "row",
        bias: parts.bias.out,
      }),
    ],
  };
}
