import type { Architecture, Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import type { Pass } from "./pass.ts";
import type { Value } from "./tape.ts";

/** The norm after the last layer. */
export function finalNorm(pass: Pass, x: Value, model: Architecture): Value {
  const weight = model.tensors.find(
    (t) => t.kind === "norm" && t.shape[0] === model.hiddenSize && t.group === "norms",
  );
  if (weight === undefined)
    return pass.code.norm === "layer-wide" ? norm(pass, x, undefined, model.hiddenSize) : x;
  const biased = model.tensors.some((t) => t.name === weight.name.replace(/weight$/, "bias"));
  return norm(pass, x, weight, model.hiddenSize, biased ? 2 : 1);
}

/** Logits of V per row, soft-capped where the family does. */
export function headProduct(pass: Pass, hidden: Value, model: Architecture): Value {
  const weight = headWeight(model);
  const logits = weight === undefined ? hidden : project(pass, hidden, weight, model.tensors);
  if (!pass.facts.logitSoftcap) return logits;
  return op.scale(pass.tape, op.keepsOutput(pass.tape, op.scale(pass.tape, logits)));
}

/** The head's matrix: its own, or the embedding's when tied. */
export function headWeight(model: Architecture): Tensor | undefined {
  return (
    model.tensors.find((t) => t.role === "head" && t.kind === "linear" && t.shape[1] === model.hiddenSize) ??
    model.tensors.find((t) => t.role === "embedding" && t.kind === "embedding")
  );
}
