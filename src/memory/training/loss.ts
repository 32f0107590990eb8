import type { Architecture, Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, record, sharedTable, type Value } from "./tape.ts";

export interface LossCode {
  readonly kind: "hf" | "plain" | "chunked" | "chunked-recompute";
  readonly chunks: number;
}

/** What the head and the loss leave behind: the scalar loss, and values that stay alive beside it. */
export interface LossTape {
  readonly loss: Value;
  readonly held: readonly Value[];
}

/**
 * Final norm, head and cross entropy as `ForCausalLMLoss` computes it (`transformers/loss/loss_utils.py`):
 * logits in the model's type, an fp32 copy, fp32 log-softmax. Per logit, in bf16: 2 + 4 + 4 at the end of
 * forward, 4 + 4 + 4 at the start of backward.
 */
export function headAndLoss(pass: Pass, x: Value, model: Architecture, code: LossCode): LossTape {
  const { tape } = pass;
  const hidden = finalNorm(pass, x, model);
  const logits = headProduct(pass, hidden, model);
  const capped = pass.facts.logitSoftcap
    ? op.scale(tape, op.keepsOutput(tape, op.scale(tape, logits)))
    : logits;
  const wide = op.cast(tape, capped, 4);
  const logProbabilities = op.keepsOutput(tape, wide);
  return { loss: pickTargets(pass, logProbabilities), held: [hidden, capped, wide] };
}

export function finalNorm(pass: Pass, x: Value, model: Architecture): Value {
  const weight = model.tensors.find((t) => t.kind === "norm" && t.shape[0] === model.hiddenSize);
  if (weight === undefined) return x;
  const biased = model.tensors.some((t) => t.name === weight.name.replace(/weight$/, "bias"));
  return norm(pass, x, weight, model.hiddenSize, biased ? 2 : 1);
}

function headProduct(pass: Pass, hidden: Value, model: Architecture): Value {
  const weight = headWeight(model);
  return weight === undefined ? hidden : project(pass, hidden, weight, model.tensors);
}

/** The head's matrix: its own, or the embedding's when tied. */
export function headWeight(model: Architecture): Tensor | undefined {
  return (
    model.tensors.find((t) => t.role === "head" && t.kind === "linear") ??
    model.tensors.find((t) => t.role === "embedding" && t.kind === "embedding")
  );
}

/** Negative log likelihood: keeps the log-probabilities and int64 targets. */
function pickTargets(pass: Pass, logProbabilities: Value): Value {
  const { tape } = pass;
  // Shifted by padding one token and slicing it off; for one sequence the slice stays a view of S + 1.
  const elements = pass.batch === 1 ? pass.seqTokens + 1 : tokensOf(pass);
  const targets = sharedTable(tape, "targets", { elements, width: 8 });
  const loss = fresh(tape, { elements: 1, width: 4, grad: logProbabilities.grad });
  const total = fresh(tape, { elements: 1, width: 4, grad: false });
  record(tape, {
    inputs: [logProbabilities],
    outputs: [loss, total],
    saved: [logProbabilities, targets, total],
  });
  return loss;
}
