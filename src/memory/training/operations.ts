/**
 * What each PyTorch operation keeps for its backward pass and what it makes, one function per operation.
 * From torch 2.13 `tools/autograd/derivatives.yaml` (which names the kept tensors) and
 * `aten/src/ATen/autocast_mode.h` (which lists what autocast runs in 16 and in 32 bits).
 */
import type { Bytes } from "../../units.ts";
import { allocated, fresh, record, type Tape, type Value, type Width } from "./tape.ts";

/** A weight as an operation meets it. Its own memory is counted with the weights. */
export interface Weight {
  readonly name: string;
  readonly elements: number;
  readonly width: Width;
  readonly trainable: boolean;
}

const NO_VALUES: readonly Value[] = [];

const widest = (...widths: readonly Width[]): Width => Math.max(...widths) as Width;

/** Another tensor of the same storage. */
const viewOf = (tape: Tape, { storage, width, grad }: Value, elements: number): Value => ({
  id: tape.ids++,
  storage,
  elements,
  width,
  grad,
});

/** A view, transpose or reshape: the same storage. */
export function view(tape: Tape, x: Value, elements = x.elements): Value {
  const value = viewOf(tape, x, elements);
  record(tape, { light: true, inputs: [x], outputs: [value], alias: true });
  return value;
}

/** Parts of one storage; backward writes all their gradients into one new tensor. */
export function split(tape: Tape, x: Value, parts: readonly number[]): Value[] {
  const values: Value[] = [];
  for (const elements of parts) values.push(viewOf(tape, x, elements));
  record(tape, { light: true, inputs: [x], outputs: values });
  return values;
}

/** A contiguous copy, or a repetition when `elements` is larger. Keeps nothing. */
export function copy(tape: Tape, x: Value, elements = x.elements): Value {
  const value = fresh(tape, { elements, width: x.width, grad: x.grad });
  record(tape, { light: true, inputs: [x], outputs: [value] });
  return value;
}

/** `x.to(dtype)`: the same tensor when nothing changes, else a copy that keeps nothing. */
export function cast(tape: Tape, x: Value, width: Width): Value {
  if (x.width === width) return x;
  const value = fresh(tape, { elements: x.elements, width, grad: x.grad });
  record(tape, { light: true, inputs: [x], outputs: [value] });
  return value;
}

/** Concatenation: a new tensor, nothing kept. */
export function concat(tape: Tape, parts: readonly Value[]): Value {
  const elements = parts.reduce((sum, p) => sum + p.elements, 0);
  const width = widest(...parts.map((p) => p.width));
  const value = fresh(tape, { elements, width, grad: parts.some((p) => p.grad) });
  record(tape, { light: true, inputs: parts, outputs: [value] });
  return value;
}

/** x + y: a new tensor of the wider type, nothing kept. */
export function add(tape: Tape, a: Value, b: Value): Value {
  const value = fresh(tape, {
    elements: Math.max(a.elements, b.elements),
    width: widest(a.width, b.width),
    grad: a.grad || b.grad,
  });
  record(tape, { light: true, inputs: [a, b], outputs: [value], alias: true });
  return value;
}

/** x + 1, x * 2, -x: a new tensor, nothing kept. */
export function scale(tape: Tape, x: Value): Value {
  return copy(tape, x);
}

/** x * y, broadcast: each factor is kept when the other one has a gradient. */
export function multiply(tape: Tape, a: Value, b: Value): Value {
  const elements = Math.max(a.elements, b.elements);
  const width = widest(a.width, b.width);
  const value = fresh(tape, { elements, width, grad: a.grad || b.grad });
  record(tape, {
    light: true,
    inputs: [a, b],
    outputs: [value],
    saved: [b.grad ? a : undefined, a.grad ? b : undefined],
    backwardScratch: b.grad && b.elements < elements ? elements * width : 0,
  });
  return value;
}

/** Norm weight times x: x is kept when the weight trains. */
export function multiplyWeight(tape: Tape, x: Value, weight: Weight): Value {
  const width = widest(x.width, weight.width);
  const value = fresh(tape, { elements: x.elements, width, grad: x.grad || weight.trainable });
  record(tape, {
    light: true,
    inputs: [x],
    outputs: [value],
    saved: [weight.trainable ? x : undefined],
    weightGradients: weight.trainable ? allocated(weight.elements * weight.width) : 0,
    backwardScratch: weight.trainable ? x.elements * width : 0,
  });
  return value;
}

/** Elementwise, input kept: silu, gelu (erf or tanh), leaky relu, elu, mish, softplus, pow, abs. */
export function keepsInput(tape: Tape, x: Value, backwardCopies = 0): Value {
  const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad });
  record(tape, {
    light: true,
    inputs: [x],
    outputs: [value],
    saved: [x],
    backwardScratch: backwardCopies * x.elements * x.width,
  });
  return value;
}

/** Elementwise, output kept: relu, sigmoid, tanh, rsqrt, exp. */
export function keepsOutput(tape: Tape, x: Value): Value {
  const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad });
  record(tape, { light: true, inputs: [x], outputs: [value], saved: [value] });
  return value;
}

/** Softmax and log-softmax: the output is kept, by old releases of PyTorch the input too. */
export function softmax(tape: Tape, x: Value): Value {
  const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad });
  record(tape, {
    light: true,
    inputs: [x],
    outputs: [value],
    saved: [value, tape.keepsSoftmaxInput ? x : undefined],
  });
  return value;
}

/** Mean or sum over a dimension: nothing kept; backward expands to the full size. */
export function reduce(tape: Tape, x: Value, elements: number): Value {
  const value = fresh(tape, { elements, width: x.width, grad: x.grad });
  record(tape, { light: true, inputs: [x], outputs: [value], pinned: [value] });
  return value;
}

/** Fused CUDA dropout: a bool mask is kept, and the output is a tensor of its own. Nothing at p = 0. */
export function dropout(tape: Tape, x: Value, probability: number): Value {
  if (probability === 0) return x;
  const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad });
  const mask = fresh(tape, { elements: x.elements, width: 1, grad: false });
  record(tape, { light: true, inputs: [x], outputs: [value, mask], saved: [mask], pinned: [mask] });
  return value;
}

/** The operand of a matrix product: autocast makes a 16-bit copy of a wider tensor, one per product. */
export function operand(tape: Tape, x: Value): Value {
  return tape.autocast && x.width > 2 ? cast(tape, x, 2) : x;
}

/**
 * A weight under autocast: trainable fp32 weights are cast once and kept until the forward pass ends. The
 * product's gradient for it comes out in 16 bits and is widened before it becomes the weight's.
 */
export function castWeight(tape: Tape, weight: Weight, gradients: Bytes): Value | null {
  if (!tape.autocast || weight.width <= 2) return null;
  const known = tape.casts.get(weight.name);
  if (known !== undefined) return known;
  const value = fresh(tape, { elements: weight.elements, width: 2, grad: weight.trainable });
  record(tape, { inputs: [], outputs: [value], weightGradients: gradients });
  if (weight.trainable) tape.casts.set(weight.name, value);
  return value;
}

export interface LinearWeight extends Weight {
  readonly inDim: number;
  readonly outDim: number;
  /** Output bias, trained with the weight. */
  readonly bias?: boolean;
  /** Stored in few bits: a copy in the compute type lives while the product runs. */
  readonly packed?: boolean;
  /** The input is kept although the weight does not train, for as long as the graph lives. */
  readonly keepsInput?: boolean;
  /** Unpacked into another 16-bit type first. */
  readonly unpacksTwice?: boolean;
  /**
   * Rows of the output per row of the input: t where sequence-parallel rows are gathered for a column-divided
   * weight, 1/t where a row-divided weight's sums are scattered again. Default 1.
   */
  readonly spread?: number;
}

/**
 * x @ W.T. The input is kept when W trains, a cast copy of W when the input has a gradient.
 *
 *     x [T, in], W [out, in] -> [T, out]
 *
 * A packed (4-bit) weight computes in 16 bits and returns x's type (bitsandbytes 0.48 `nn/modules.py`,
 * `Linear4bit.forward`).
 */
export function linear(tape: Tape, x: Value, weight: LinearWeight): Value {
  const packed = weight.packed === true;
  const input = packed ? cast(tape, x, 2) : operand(tape, x);
  // Its compute type became that of the first input (`Linear4bit.set_compute_type`): what it keeps is x as it came.
  const kept = weight.keepsInput === true ? x : undefined;
  const bias = weight.bias === true ? allocated(weight.outDim * weight.width) : 0;
  const gradients: Bytes = weight.trainable ? allocated(weight.elements * weight.width) + bias : 0;
  const weightCast = packed ? null : castWeight(tape, weight, gradients);
  const spread = weight.spread ?? 1;
  const value = fresh(tape, {
    elements: (x.elements / weight.inDim) * weight.outDim * spread,
    width: input.width,
    grad: x.grad || weight.trainable,
  });
  // The whole sequence lives while the product runs: gathered before it or not yet scattered after it.
  const whole = spread === 1 ? 0 : Math.max(spread * x.elements, value.elements / spread) * input.width;
  const copies = packed ? (weight.unpacksTwice === true ? 2 : 1) : 0;
  const unpacked = copies * weight.elements * input.width + whole;
  record(tape, {
    inputs: weightCast === null ? [input] : [input, weightCast],
    outputs: [value],
    saved: [weight.trainable ? input : kept, input.grad && weightCast !== null ? weightCast : undefined],
    outliving: kept === undefined ? NO_VALUES : [kept],
    forwardScratch: unpacked,
    backwardScratch: unpacked,
    weightGradients: weightCast === null ? gradients : 0,
  });
  return packed ? cast(tape, value, x.width) : value;
}

/** A batched product of two activations: both are kept. */
export function matmul(tape: Tape, a: Value, b: Value, elements: number): Value {
  const left = operand(tape, a);
  const right = operand(tape, b);
  const value = fresh(tape, { elements, width: left.width, grad: a.grad || b.grad });
  record(tape, {
    inputs: [left, right],
    outputs: [value],
    saved: [right.grad ? left : undefined, left.grad ? right : undefined],
  });
  return value;
}

/**
 * `F.layer_norm`: the input, and mean and reciprocal deviation per row in fp32. Autocast runs it in fp32.
 */
export function layerNorm(
  tape: Tape,
  x: Value,
  weight: Weight & { readonly dim: number; readonly tensors: number; readonly outsideAutocast?: boolean },
): Value {
  const autocast = tape.autocast && weight.outsideAutocast !== true;
  const input = autocast ? cast(tape, x, 4) : x;
  const rows = x.elements / weight.dim;
  const value = fresh(tape, {
    elements: x.elements,
    width: input.width,
    grad: x.grad || weight.trainable,
  });
  const mean = fresh(tape, { elements: rows, width: 4, grad: false });
  const deviation = fresh(tape, { elements: rows, width: 4, grad: false });
  const widened: Value[] = [];
  if (autocast && weight.width < 4) {
    for (let t = 0; t < weight.tensors; t++)
      widened.push(fresh(tape, { elements: weight.dim, width: 4, grad: false }));
  }
  record(tape, {
    light: true,
    inputs: [input],
    outputs: [value, mean, deviation, ...widened],
    saved: [input, mean, deviation, ...widened],
    pinned: [mean, deviation],
    weightGradients: weight.trainable ? weight.tensors * allocated(weight.dim * weight.width) : 0,
  });
  return value;
}

/** activation(gate) * up in one kernel: both inputs are kept and nothing between. */
export function fusedGate(tape: Tape, gate: Value, up: Value): Value {
  const value = fresh(tape, { elements: up.elements, width: up.width, grad: gate.grad || up.grad });
  record(tape, { light: true, inputs: [gate, up], outputs: [value], saved: [gate, up] });
  return value;
}

/** Rows picked by index: the int64 indices are kept; the result is a new tensor. */
export function gather(
  tape: Tape,
  x: Value,
  pick: { readonly elements: number; readonly indices: Value },
): Value {
  const value = fresh(tape, { elements: pick.elements, width: x.width, grad: x.grad });
  record(tape, { inputs: [x], outputs: [value], saved: [pick.indices] });
  return value;
}
