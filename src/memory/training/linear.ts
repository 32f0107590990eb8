import type { Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import { dora } from "./dora.ts";
import * as op from "./operations.ts";
import { linearWeightOf, type Pass } from "./pass.ts";
import { allocated, fresh, hold, record, type Value } from "./tape.ts";

/**
 * A weight that is no module of its own (fused experts, a router): PEFT adds B A to it before the product, so the sum is a tensor of
 * the weight's full size that backward keeps (`ParamWrapper`). PEFT 0.21 adds both factors of fused experts in one product
 * (`_LoraFactorsProxy`) and keeps them in the weight's type: copies where the adapter's is wider. Null without an adapter.
 */
export function mergedWeight(pass: Pass, weight: Tensor): Value | null {
  const { tape } = pass;
  const adapter = pass.holding.adapter(weight);
  if (adapter === null) return null;
  const elements = tensorElements(weight) * weight.copies;
  const width = pass.holding.width(weight);
  const merged = fresh(tape, { elements, width, grad: true });
  const gradients = allocated(adapter.parameters * adapter.width);
  if (weight.kind !== "expert") {
    const scratch = elements * adapter.width;
    record(tape, {
      inputs: [],
      outputs: [merged],
      weightGradients: gradients,
      forwardScratch: scratch,
      backwardScratch: scratch,
    });
    return merged;
  }
  const narrow = adapter.width !== width;
  const factors = fresh(tape, {
    elements: adapter.parameters,
    width,
    grad: true,
    ...(narrow ? {} : { outside: true as const }),
  });
  record(tape, { inputs: [], outputs: [factors], weightGradients: gradients });
  record(tape, { inputs: [factors], outputs: [merged], saved: [factors] });
  return merged;
}

/**
 * A linear layer with its adapter, if it has one, as PEFT 0.21 computes it
 * (`peft/tuners/lora/layer.py`, `Linear.forward`):
 *
 *     base(x) + B(A(dropout(x.to(adapter type)))) * scaling, back in base's type
 *
 * Kept for the adapter: the cast copy of x (a copy per adapted linear), the dropout mask, and A's output
 * of T x rank. `shared` is a dropped-out x that several adapters read.
 */
export function project(
  pass: Pass,
  x: Value,
  weight: Tensor,
  tensors: readonly Tensor[],
  shared: Value | null = null,
): Value {
  const { tape } = pass;
  const adapter = pass.holding.adapter(weight);
  if (adapter !== null && weight.role === "router" && weight.shape[0] !== 1) {
    const merged = mergedWeight(pass, weight);
    if (merged !== null)
      return op.matmul(tape, x, merged, (x.elements / weight.shape[1]!) * weight.shape[0]!);
  }
  const base = op.linear(tape, x, linearWeightOf(pass, weight, tensors));
  if (adapter === null) return base;
  const [outDim, inDim] = weight.shape as readonly [number, number];
  const factor = (name: string, dims: { readonly inDim: number; readonly outDim: number }) => ({
    name: `${weight.name}.${name}`,
    elements: dims.inDim * dims.outDim,
    width: adapter.width,
    trainable: true,
    ...dims,
  });
  // PEFT's classes for packed weights (`peft/tuners/lora/bnb.py`, `gptq.py`) leave the type of x to autocast where it runs.
  const wide = tape.autocast && pass.holding.packed(weight) ? x : op.cast(tape, x, adapter.width);
  const input = shared ?? op.dropout(tape, wide, adapter.dropout);
  const down = op.linear(tape, input, factor("lora_A", { inDim, outDim: adapter.rank }));
  const up = op.linear(tape, down, factor("lora_B", { inDim: adapter.rank, outDim }));
  const biased = linearWeightOf(pass, weight, tensors).bias === true;
  const added = adapter.dora ? dora(pass, { base, input, up, weight, adapter, biased }) : op.scale(tape, up);
  const sum = op.add(tape, base, added);
  const result = op.cast(tape, sum, base.width);
  hold(tape, [x, wide, base]);
  return result;
}

/** x after the one dropout of an adapter on q, k and v together (LitGPT, `LoRAQKVLinear`); null where none of them is adapted. */
export function sharedAdapterInput(
  pass: Pass,
  x: Value,
  weights: readonly (Tensor | undefined)[],
): Value | null {
  for (const weight of weights) {
    const adapter = weight === undefined ? null : pass.holding.adapter(weight);
    if (adapter !== null) return op.dropout(pass.tape, op.cast(pass.tape, x, adapter.width), adapter.dropout);
  }
  return null;
}
