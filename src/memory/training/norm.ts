import type { Tensor } from "../../architecture/model.ts";
import * as op from "./operations.ts";
import { type Pass, weightOf } from "./pass.ts";
import { fresh, record, type Value } from "./tape.ts";

/**
 * A norm over rows of `dim`, as the family writes it (see NormCode). For x in bf16 with T rows of h:
 *
 *     rms             fp32 x 4Th, rms 4T, normed x 2Th when the weight trains
 *     rms-of-stream   as rms, and x 2Th
 *     rms-late-cast   fp32 x 4Th, rms 4T, normed x 4Th when the weight trains
 *     rms-wide-weight, rms-cast-weight  as late cast, and 4h for the fp32 weight
 *     layer           x 2Th, mean and deviation 8T
 *     fused           x 2Th, rms 4T
 *
 * x itself serves as fp32 x when the residual stream is fp32 already.
 */
export function norm(pass: Pass, x: Value, weight: Tensor | undefined, dim: number, tensors = 1): Value {
  const { tape, code } = pass;
  const held =
    weight === undefined
      ? { name: "", elements: 0, width: x.width, trainable: false }
      : weightOf(pass, weight);
  const rows = x.elements / dim;
  if (code.norm === "layer-wide") {
    const wide = op.layerNorm(tape, op.cast(tape, x, 4), { ...held, dim, tensors });
    return op.cast(tape, wide, x.width);
  }
  if (code.norm === "layer")
    return op.layerNorm(tape, x, { ...held, dim, tensors, outsideAutocast: code.normOutsideAutocast });
  if (code.norm === "rms-fused" || pass.kernels.fusedNorm) {
    const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad || held.trainable });
    const deviation = fresh(tape, { elements: rows, width: 4, grad: false });
    record(tape, {
      inputs: [x],
      outputs: [value, deviation],
      saved: [x, deviation],
      ...(code.inPlace && !held.trainable ? { alias: true } : {}),
      weightGradients: held.trainable ? dim * held.width : 0,
    });
    return value;
  }
  const wide = op.cast(tape, x, 4);
  const centred = code.norm === "layer-python" ? centre(pass, wide, rows) : wide;
  const power = op.keepsInput(tape, centred, 2);
  const mean = op.reduce(tape, power, rows);
  const deviation = op.keepsOutput(tape, mean);
  const factor =
    code.norm === "layer-python" ? centre(pass, wide, rows) : code.norm === "rms-of-stream" ? x : wide;
  const normed = op.multiply(tape, factor, deviation);
  switch (code.norm) {
    case "rms":
    case "rms-of-stream":
      return op.multiplyWeight(tape, op.cast(tape, normed, x.width), held);
    case "rms-late-cast":
      return op.cast(tape, op.multiplyWeight(tape, normed, held), x.width);
    case "rms-wide-weight":
    case "rms-cast-weight":
    case "layer-python": {
      // The fp32 copy of the weight (1 + w, or w cast) is a tensor of its own, kept for x's gradient.
      const copied = code.norm === "rms-wide-weight" || held.width < 4;
      const widened = fresh(tape, {
        elements: dim,
        width: 4,
        grad: held.trainable,
        ...(copied ? {} : { outside: true }),
      });
      record(tape, {
        inputs: [],
        outputs: [widened],
        weightGradients: held.trainable ? dim * held.width : 0,
      });
      return op.cast(tape, op.multiply(tape, normed, widened), x.width);
    }
  }
}

/** Tensors of a norm: its weight, and its bias where it has one. */
export const normTensors = (weight: Tensor | undefined, tensors: readonly Tensor[]): 1 | 2 =>
  weight !== undefined && tensors.some((t) => t.name === weight.name.replace(/weight$/, "bias")) ? 2 : 1;

/** x / rms(x) in fp32 without a weight, back in x's type: fp32 x and one factor per row are kept. */
export function bareNorm(pass: Pass, x: Value, dim: number): Value {
  const { tape } = pass;
  const wide = op.cast(tape, x, 4);
  const deviation = op.keepsOutput(tape, op.reduce(tape, op.keepsInput(tape, wide, 2), x.elements / dim));
  return op.cast(tape, op.multiply(tape, wide, deviation), x.width);
}

function centre(pass: Pass, x: Value, rows: number): Value {
  const mean = op.reduce(pass.tape, x, rows);
  return op.add(pass.tape, x, mean);
}
