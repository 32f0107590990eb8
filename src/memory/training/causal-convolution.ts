import type { Tensor } from "../../architecture/model.ts";
import { type Pass, weightOf } from "./pass.ts";
import { allocated, fresh, record, type Value } from "./tape.ts";

/** causal-conv1d with its silu in one kernel: the input is kept. */
export function causalConvolution(pass: Pass, x: Value, kernels: readonly Tensor[]): Value {
  const weights = kernels.map((kernel) => weightOf(pass, kernel));
  const trained = weights.filter(({ trainable }) => trainable);
  const value = fresh(pass.tape, {
    elements: x.elements,
    width: x.width,
    grad: x.grad || trained.length > 0,
  });
  record(pass.tape, {
    inputs: [x],
    outputs: [value],
    saved: [x],
    weightGradients: allocated(trained.reduce((sum, { elements, width }) => sum + elements * width, 0)),
  });
  return value;
}
