/** The end of backward: the gradients of the tables that the embedding looks up. */
import type { Architecture } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { Bytes } from "../../units.ts";
import { headWeight } from "./head.ts";
import type { Moment, MomentsRequest } from "./moments.ts";
import type { Holding } from "./pass.ts";
import type { Segments } from "./segments.ts";
import { allocated, BLOCK_BYTES } from "./tape.ts";

/** The lookup's gradient is a full table; a tied head's is then added to it in a third one. */
export function embeddingMoments(
  model: Architecture,
  segments: Segments,
  state: { readonly made: Bytes; readonly left: Bytes; readonly request: MomentsRequest },
): Moment[] {
  const { made, left, request } = state;
  const phase = "end-of-backward";
  const { output, backwardPeak } = segments.embedding;
  if (!output.grad) return [];
  const activations = BLOCK_BYTES + left;
  const moments: Moment[] = [{ phase, gradients: made, activations, logits: 0, workspace: backwardPeak }];
  const tables = embeddingTables(model, request.holding);
  if (tables.tokens === 0) return moments;
  const learned = request.accumulating ? 0 : tables.positions;
  const incoming = output.storage.bytes;
  if (tiedToHead(model)) {
    const second = request.accumulating ? 0 : tables.tokens;
    moments.push({
      phase,
      gradients: made + learned,
      activations,
      logits: 0,
      workspace: tables.tokens + Math.max(incoming, second),
    });
  } else
    moments.push({
      phase,
      gradients: made + learned + (request.accumulating ? 0 : tables.tokens),
      activations,
      logits: 0,
      workspace: incoming,
    });
  return moments;
}

export const tiedToHead = (model: Architecture): boolean => model.tied && headWeight(model) !== undefined;

export function embeddingTables(model: Architecture, holding: Holding): { tokens: Bytes; positions: Bytes } {
  let tokens = 0;
  let positions = 0;
  for (const tensor of model.tensors) {
    if (tensor.kind !== "embedding" || !holding.trainable(tensor)) continue;
    const bytes = allocated(tensorElements(tensor) * holding.width(tensor));
    if (tensor.role === "embedding") tokens += bytes;
    else positions += bytes;
  }
  return { tokens, positions };
}
