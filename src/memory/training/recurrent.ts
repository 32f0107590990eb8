import type { Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import type { Value } from "./tape.ts";

/**
 * Linear-attention, state-space and convolution mixers, as far as their tensors tell: every projection, an
 * activation on its result, and a gate before the output projection. The kernels' own chunk states are not
 * modelled, so terms that contain such a layer are `assumed`.
 */
export function recurrent(pass: Pass, x: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const linears = tensors.filter((t) => t.kind === "linear" && t.group !== "mlp" && t.shape.length === 2);
  const output = linears.find((t) => t.role === "recurrent-out" || t.role === "attn-o");
  let widest: Value = x;
  for (const weight of linears) {
    if (weight === output || weight.shape[1] !== x.elements / tokensOf(pass)) continue;
    const value = op.keepsInput(tape, project(pass, x, weight, tensors));
    if (value.elements > widest.elements) widest = value;
  }
  if (output === undefined) return x;
  const inner = { ...op.keepsInput(tape, widest), elements: tokensOf(pass) * output.shape[1]! };
  return project(pass, inner, output, tensors);
}
