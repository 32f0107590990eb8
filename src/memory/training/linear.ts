import type { Tensor } from "../../architecture/model.ts";
import * as op from "./operations.ts";
import { linearWeightOf, type Pass } from "./pass.ts";
import { hold, type Value } from "./tape.ts";

/**
 * A linear layer with its adapter, if it has one, as PEFT 0.21 computes it
 * (`peft/tuners/lora/layer.py`, `Linear.forward`):
 *
 *     base(x) + B(A(dropout(x.to(adapter type)))) * scaling, back in base's type
 *
 * Kept for the adapter: the cast copy of x (a copy per adapted linear), the dropout mask, and A's output
 * of T x rank.
 */
export function project(pass: Pass, x: Value, weight: Tensor, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const base = op.linear(tape, x, linearWeightOf(pass, weight, tensors));
  const adapter = pass.holding.adapter(weight);
  if (adapter === null) return base;
  const [outDim, inDim] = weight.shape as readonly [number, number];
  const factor = (name: string, dims: { readonly inDim: number; readonly outDim: number }) => ({
    name: `${weight.name}.${name}`,
    elements: dims.inDim * dims.outDim,
    width: adapter.width,
    trainable: true,
    ...dims,
  });
  const wide = op.cast(tape, x, adapter.width);
  const input = op.dropout(tape, wide, adapter.dropout);
  const down = op.linear(tape, input, factor("lora_A", { inDim, outDim: adapter.rank }));
  const up = op.linear(tape, down, factor("lora_B", { inDim: adapter.rank, outDim }));
  const sum = op.add(tape, base, op.scale(tape, up));
  const result = op.cast(tape, sum, base.width);
  hold(tape, [x, wide, base]);
  return result;
}
