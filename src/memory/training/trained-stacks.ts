/** Which of a model's layers a step on text runs. */
import type { Architecture, Stack } from "../../architecture/model.ts";
import { dividedStack } from "../../parallelism/layer-range.ts";
import type { Tokens } from "../../units.ts";
import { isCross } from "./layer.ts";

/** The encoder whose output the decoder's layers attend to, if there is one. */
export function sourceStack(model: Architecture): Stack | undefined {
  const decoder = dividedStack(model);
  const attends = decoder?.kinds.some((kind) => kind.mixers.some(isCross)) === true;
  return attends ? model.stacks.find((s) => s.role === "encoder") : undefined;
}

/** Tokens per sequence that an encoder-decoder reads; null for models that have no such encoder. */
export const sourceTokensOf = (model: Architecture, seqTokens: Tokens): Tokens | null =>
  sourceStack(model) === undefined ? null : sourceTokens(model, seqTokens);

/** Positions of the encoder: as many as the class fixes (speech), else as the decoder has. */
export function sourceTokens(model: Architecture, seqTokens: Tokens): Tokens {
  const cross = dividedStack(model)?.kinds.flatMap(({ mixers }) => mixers.filter(isCross))[0];
  return cross?.encoderTokens ?? seqTokens;
}
