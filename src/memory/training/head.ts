import type { Architecture, Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, weightOf } from "./pass.ts";
import { allocated, fresh, record, type Value } from "./tape.ts";

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
  const logits =
    weight === undefined
      ? hidden
      : pass.code.normedHead
        ? op.matmul(pass.tape, hidden, normalized(pass, weight), tokenRows(hidden, model) * weight.shape[0]!)
        : project(pass, hidden, weight, model.tensors);
  if (!pass.facts.logitSoftcap) return logits;
  return op.scale(pass.tape, op.keepsOutput(pass.tape, op.scale(pass.tape, logits)));
}

const tokenRows = (hidden: Value, model: Architecture): number => hidden.elements / model.hiddenSize;

/**
 * `F.normalize(weight)`: V x h in the wider of the weight's type and that of the norm, which autocast takes in fp32 of an fp32
 * copy. The product keeps it in its own type: 125,696 x 4096 x 2 B = 1.03 GB for Baichuan 2.
 */
function normalized(pass: Pass, weight: Tensor): Value {
  const { tape } = pass;
  const { elements, width, trainable } = weightOf(pass, weight);
  const wide = tape.autocast ? 4 : width;
  const lengths = fresh(tape, { elements: weight.shape[0]!, width: wide, grad: false });
  record(tape, { inputs: [], outputs: [lengths], forwardScratch: wide > width ? elements * wide : 0 });
  const value = fresh(tape, { elements, width: wide, grad: trainable });
  record(tape, {
    inputs: [lengths],
    outputs: [value],
    weightGradients: trainable ? allocated(elements * width) : 0,
  });
  return value;
}

/** The head's matrix: its own, or the embedding's when tied; a model that embeds texts has none. */
export function headWeight(model: Architecture): Tensor | undefined {
  const own = model.tensors.find(
    (t) => t.role === "head" && t.kind === "linear" && t.shape[1] === model.hiddenSize,
  );
  if (own !== undefined || !model.tied) return own;
  return model.tensors.find((t) => t.role === "embedding" && t.kind === "embedding");
}
