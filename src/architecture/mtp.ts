/** Multi-token-prediction layers: in the file, loaded by engines only to speculate. */

import type { ConfigReader } from "./config-reader.ts";
import type { LayerKind, Stack, Tensor } from "./model.ts";
import { stackOf } from "./stack.ts";
import { linear, norm, tensor } from "./tensors.ts";

/** Keys that say how many prediction layers there are. */
export const MTP_KEYS = ["num_nextn_predict_layers", "num_mtp_layers", "num_mtp_modules"] as const;

/** The layer that a prediction layer repeats: the last one, or the last that satisfies `like`. */
function repeatedKind(stack: Stack, like: (kind: LayerKind) => boolean): LayerKind | undefined {
  const last = stack.runs[stack.runs.length - 1];
  const found = stack.runs.findLast((run) => like(stack.kinds[run.kind]!)) ?? last;
  return found === undefined ? undefined : stack.kinds[found.kind];
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
  /** Which of the vocabulary's two matrices the checkpoint repeats in each prediction layer. */
  readonly copies?: { readonly vocabSize: number; readonly of: readonly ("embedding" | "head")[] };
  /** Which layer it repeats, when not the last. */
  readonly like?: (kind: LayerKind) => boolean;
  /** Layers when the config has no key for them. */
  readonly layersDefault?: number;
}): Stack | undefined {
  const { config, hiddenSize, body, copies } = spec;
  const layers = config.layers(MTP_KEYS, spec.layersDefault ?? 0);
  const kind = repeatedKind(body, spec.like ?? (() => true));
  if (layers === 0 || kind === undefined) return undefined;
  const copied =
    copies === undefined ? [] : copies.of.map((of) => copyOf(of, [copies.vocabSize, hiddenSize]));
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
        ...copied,
      ],
    }),
  });
}

/** One of the vocabulary's matrices, repeated. */
const copyOf = (of: "embedding" | "head", shape: readonly [rows: number, hiddenSize: number]): Tensor =>
  tensor({
    name: of === "embedding" ? "embed_tokens.weight" : "shared_head.head.weight",
    role: "other",
    kind: "embedding",
    group: "mtp",
    shape,
    split: "vocab",
  });
