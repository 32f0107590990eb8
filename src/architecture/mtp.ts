/** Multi-token-prediction layers: in the file, loaded by engines only to speculate. */
import type { ConfigReader } from "./config-reader.ts";
import type { LayerKind, Stack } from "./model.ts";
import { stackOf } from "./stack.ts";
import { linear, norm, tensor } from "./tensors.ts";

export const MTP_KEYS = ["num_nextn_predict_layers", "num_mtp_layers", "num_mtp_modules"] as const;

/** Layers of a stack one by one would be long; the last one is what a prediction layer repeats. */
function lastKind(stack: Stack): LayerKind | undefined {
  const run = stack.runs[stack.runs.length - 1];
  return run === undefined ? undefined : stack.kinds[run.kind];
}

/**
 * `layers` prediction layers: one model layer of the last kind, norms of both inputs (2h), a projection
 * [h, 2h], a final norm h and, in some checkpoints, copies of the embedding and of the head (2*V*h).
 *
 * @example DeepSeek-V3: 11,507,303,680 + 2*7168 + 14336*7168 + 7168 + 2*129280*7168 (buffer 256 included)
 */
export function mtpStack(spec: {
  readonly config: ConfigReader;
  readonly hiddenSize: number;
  readonly body: Stack;
  /** Rows of the embedding and head copies that the checkpoint holds. */
  readonly copiedVocab?: number;
  /** Layers when the config has no key for them. */
  readonly layersDefault?: number;
}): Stack | undefined {
  const { config, hiddenSize, body, copiedVocab } = spec;
  const layers = config.layers(MTP_KEYS, spec.layersDefault ?? 0);
  const kind = lastKind(body);
  if (layers === 0 || kind === undefined) return undefined;
  const copy = (name: string) =>
    tensor({
      name,
      role: "other",
      kind: "embedding",
      group: "mtp",
      shape: [copiedVocab!, hiddenSize],
      split: "vocab",
    });
  return stackOf({
    role: "mtp",
    prefix: body.prefix,
    hiddenSize,
    layers,
    build: () => ({
      ...kind,
      tensors: [
        ...kind.tensors,
        ...norm("enorm", hiddenSize),
        ...norm("hnorm", hiddenSize),
        ...linear({
          name: "eh_proj",
          role: "other",
          group: "mtp",
          outDim: hiddenSize,
          inDim: 2 * hiddenSize,
        }),
        ...norm("shared_head.norm", hiddenSize),
        ...(copiedVocab === undefined ? [] : [copy("embed_tokens.weight"), copy("shared_head.head.weight")]),
      ],
    }),
  });
}
