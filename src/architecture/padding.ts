import type { Architecture } from "./model.ts";

export interface EmbeddingPadding {
  readonly rows: number;
  readonly width: number;
  /** Rows that no token reaches. */
  readonly paddingRows: number;
  /** Parameters in those rows: once when the head is tied, twice when it is not. */
  readonly paddingParameters: number;
  /** Largest power of two up to 1024 that divides the rows, when it explains the padding; else 1. */
  readonly multiple: number;
}

/**
 * Embedding rows against the ids that a tokenizer hands out.
 *
 *     padding rows = rows - distinct ids below rows
 *
 * Rows are rounded up to a multiple of 64 to 1024 so that matrix kernels and tensor-parallel ranks divide
 * them evenly; more than one such step of padding was reserved on purpose.
 *
 * @example Qwen2.5-0.5B: 151,936 rows of 896 against 151,665 ids leave 271 padding rows, 271 x 896 parameters
 */
export function embeddingPadding(model: Architecture, distinctIds: number): EmbeddingPadding {
  const rows = model.vocabSize;
  const width = model.tensors.find((t) => t.role === "embedding")?.shape[1] ?? model.hiddenSize;
  const paddingRows = Math.max(0, rows - distinctIds);
  let multiple = 1;
  for (let step = 2; step <= 1024 && rows % step === 0; step *= 2) multiple = step;
  return {
    rows,
    width,
    paddingRows,
    paddingParameters: paddingRows * width * (model.tied ? 1 : 2),
    multiple: multiple >= 8 ? multiple : 1,
  };
}
