/**
 * Unsloth's autograd functions (`unsloth/kernels/fast_lora.py`, September 2026): one operation for the three products of attention, one for
 * a whole gated MLP and one for the output's product, each with its adapters. They keep what their own backward reads and
 * compute gradients in the place of what they kept. A layer runs them where every linear of the operation is adapted, without dropout; the
 * caller asks `fusesAdapters` first.
 *
 * Not modelled: products of rank r (T x r), and xformers in place of FlashAttention.
 */
import type { Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { Bytes } from "../../units.ts";
import { linearWeightOf, type Pass } from "./pass.ts";
import { allocated, fresh, record, type Value } from "./tape.ts";

/** Whether these linears run in one operation with their adapters: a base with a bias (Qwen2's q, k and v) does not. */
export function fusesAdapters(
  pass: Pass,
  weights: readonly (Tensor | undefined)[],
  tensors: readonly Tensor[],
): boolean {
  if (!pass.code.fusedAdapters) return false;
  return weights.every((weight) => {
    if (weight === undefined || linearWeightOf(pass, weight, tensors).bias === true) return false;
    const adapter = pass.holding.adapter(weight);
    return adapter !== null && adapter.dropout === 0 && !adapter.dora;
  });
}

/**
 * Several products of x with their adapters (`LoRA_QKV`; of one weight `LoRA_W`). x is kept once; the gradients of three are summed in
 * its place, that of one is a tensor of its own.
 */
export function fusedProducts(
  pass: Pass,
  x: Value,
  weights: readonly Tensor[],
  tensors: readonly Tensor[],
): Value[] {
  const outputs = weights.map((weight) => output(pass, x, weight));
  const unpacked = Math.max(...weights.map((weight) => unpackedBytes(pass, weight, tensors)));
  record(pass.tape, {
    inputs: [x],
    outputs,
    saved: [x],
    ...(weights.length > 1 ? { overwritesInput: true } : {}),
    forwardScratch: unpacked,
    backwardScratch: unpacked,
    weightGradients: adapterGradients(pass, weights),
  });
  return outputs;
}

/**
 * activation(x G) * (x U) times the down projection in one operation (`LoRA_MLP`): x, gate and up are kept, 2h + 4f bytes per
 * token. The product of gate and up lives in forward until the down projection has read it; backward makes its gradient, 2f, and
 * turns the kept gate and up into theirs where they lie.
 */
export function fusedFeedForward(
  pass: Pass,
  x: Value,
  weights: readonly [gate: Tensor, up: Tensor, down: Tensor],
  tensors: readonly Tensor[],
): Value {
  const [gateWeight, upWeight, downWeight] = weights;
  const gate = output(pass, x, gateWeight);
  const up = output(pass, x, upWeight);
  const value = output(pass, up, downWeight);
  const between = allocated(up.elements * up.width);
  const unpacked = Math.max(...weights.map((weight) => unpackedBytes(pass, weight, tensors)));
  record(pass.tape, {
    inputs: [x],
    outputs: [value, gate, up],
    saved: [x, gate, up],
    overwritesInput: true,
    forwardScratch: between + unpacked,
    backwardScratch: between + unpacked,
    weightGradients: adapterGradients(pass, weights),
  });
  return value;
}

function output(pass: Pass, x: Value, weight: Tensor): Value {
  const [outDim, inDim] = weight.shape as readonly [number, number];
  return fresh(pass.tape, { elements: (x.elements / inDim) * outDim, width: x.width, grad: true });
}

/** A packed weight's copy in the compute type, one at a time. */
function unpackedBytes(pass: Pass, weight: Tensor, tensors: readonly Tensor[]): Bytes {
  const { packed } = linearWeightOf(pass, weight, tensors);
  return packed === true ? allocated(tensorElements(weight) * 2) : 0;
}

function adapterGradients(pass: Pass, weights: readonly Tensor[]): Bytes {
  let bytes = 0;
  for (const weight of weights) {
    const adapter = pass.holding.adapter(weight);
    if (adapter === null) continue;
    for (const dim of weight.shape) bytes += allocated(dim * adapter.rank * adapter.width);
  }
  return bytes;
}
