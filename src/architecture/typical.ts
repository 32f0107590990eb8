/**
 * A bare parameter count has no shape. For what depends on shape (cache, activations) it is given the one
 * of a typical decoder of that size, and the result says so.
 */

import { groupDigits } from "../units.ts";
import { readConfig } from "./config-reader.ts";
import { decoder } from "./decoder.ts";
import type { Architecture, Tensor } from "./model.ts";
import { finishArchitecture } from "./parameters.ts";

interface Shape {
  readonly parameters: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly width: number;
}

/**
 * Dense decoders published since 2024, grouped heads of 128 and a 152k vocabulary unless small:
 * Qwen2.5 0.5B to 72B and Llama 3.1 405B, from their config.json.
 */
const SHAPES: readonly Shape[] = [
  { parameters: 0.1e9, hiddenSize: 576, layers: 30, heads: 9, kvHeads: 3, width: 1536 },
  { parameters: 0.5e9, hiddenSize: 896, layers: 24, heads: 14, kvHeads: 2, width: 4864 },
  { parameters: 1.5e9, hiddenSize: 1536, layers: 28, heads: 12, kvHeads: 2, width: 8960 },
  { parameters: 3e9, hiddenSize: 2048, layers: 36, heads: 16, kvHeads: 2, width: 11008 },
  { parameters: 8e9, hiddenSize: 4096, layers: 32, heads: 32, kvHeads: 8, width: 14336 },
  { parameters: 14e9, hiddenSize: 5120, layers: 48, heads: 40, kvHeads: 8, width: 13824 },
  { parameters: 32e9, hiddenSize: 5120, layers: 64, heads: 40, kvHeads: 8, width: 27648 },
  { parameters: 72e9, hiddenSize: 8192, layers: 80, heads: 64, kvHeads: 8, width: 29568 },
  { parameters: 405e9, hiddenSize: 16384, layers: 126, heads: 128, kvHeads: 8, width: 53248 },
];

/** The published shape whose size is nearest on a logarithmic scale. */
function nearestShape(count: number): Shape {
  return SHAPES.reduce((best, shape) =>
    Math.abs(Math.log(shape.parameters / count)) < Math.abs(Math.log(best.parameters / count)) ? shape : best,
  );
}

/**
 * The typical decoder of `count` parameters: the nearest published shape with its layers scaled to the
 * count; what is left over is held in one more tensor, so the total is exactly `count`.
 *
 * @example typicalArchitecture(14e9).parameters.total // 14_000_000_000
 */
export function typicalArchitecture(count: number): Architecture {
  const shape = nearestShape(count);
  const headDim = shape.hiddenSize / shape.heads;
  const perLayer =
    shape.hiddenSize * (2 * shape.heads + 2 * shape.kvHeads) * headDim +
    3 * shape.hiddenSize * shape.width +
    2 * shape.hiddenSize;
  const vocabSize = count < 0.3e9 ? 49_152 : 152_064;
  const tied = count < 4e9;
  const outside = vocabSize * shape.hiddenSize * (tied ? 1 : 2) + shape.hiddenSize;
  const layers = Math.max(0, Math.floor((count - outside) / perLayer));
  const fits = count >= outside;
  const config = readConfig(
    { model_type: "typical", intermediate_size: shape.width, tie_word_embeddings: tied },
    "(count)",
  );
  const draft = decoder({
    family: "typical",
    config,
    sizes: {
      hiddenSize: shape.hiddenSize,
      layers: fits ? Math.min(layers, 100_000) : 0,
      vocabSize,
      heads: shape.heads,
      kvHeads: shape.kvHeads,
      headDim,
    },
    tiedByDefault: tied,
    norm: "rms",
  });
  const held = fits ? outside + Math.min(layers, 100_000) * perLayer : 0;
  const rest: Tensor = {
    name: "(rest)",
    role: "other",
    kind: "vector",
    group: "other",
    shape: [count - held],
    copies: 1,
    activeCopies: 1,
    split: "column",
  };
  const noteText =
    `a bare count has no shape: cache and activations are those of a typical decoder, ` +
    `${Math.min(layers, 100_000)} layers of ${shape.hiddenSize} with ${shape.kvHeads} KV heads of ${headDim} ` +
    `and a vocabulary of ${groupDigits(vocabSize)}`;
  return finishArchitecture(
    {
      ...draft,
      tensors: fits ? [...draft.tensors, rest] : [rest],
      assumed: true,
      notes: [
        {
          code: "assumed-shape",
          message: noteText,
          details: {
            layers: fits ? layers : 0,
            hiddenSize: shape.hiddenSize,
            kvHeads: shape.kvHeads,
            headDim,
            vocabSize,
          },
        },
      ],
    },
    "(count)",
  );
}
