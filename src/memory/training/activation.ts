import type { Activation } from "../../architecture/model.ts";
import * as op from "./operations.ts";
import type { Pass } from "./pass.ts";
import { fresh, record, type Value } from "./tape.ts";

/**
 * What an activation function keeps, in bytes per element of its 16-bit input:
 *
 *     silu, gelu (erf and tanh)   2    its input
 *     relu                        2    its output, which the next product keeps anyway
 *     relu2                       2    relu's output, squared; under autocast 6, the square's fp32 input too
 *     quick-gelu                  4    x and sigmoid(1.702 x)
 *     gelu-new                    8    x, x^3 path, tanh and 1 + tanh, written out in Python
 */
/** `trains`: xIELU's own two scales do. */
export function activate(pass: Pass, x: Value, activation: Activation, trains = true): Value {
  const { tape } = pass;
  switch (activation) {
    case "silu":
    case "gelu":
    case "gelu-tanh":
      return op.keepsInput(tape, x);
    case "other":
      if (pass.code.xielu) return xielu(pass, x, trains);
      return op.keepsInput(tape, x);
    case "relu":
      return op.keepsOutput(tape, x);
    case "relu2": {
      // The square is a power, which autocast runs in fp32.
      const positive = op.keepsOutput(tape, x);
      return op.keepsInput(tape, tape.autocast ? op.cast(tape, positive, 4) : positive, 2);
    }
    case "quick-gelu":
      return op.multiply(tape, x, op.keepsOutput(tape, op.scale(tape, x)));
    case "gelu-new": {
      if (pass.code.fusedGelu) return op.keepsInput(tape, x);
      // 0.5 * x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x**3))); autocast raises powers in fp32.
      const cube = op.keepsInput(tape, tape.autocast ? op.cast(tape, x, 4) : x, 2);
      const inner = op.scale(tape, op.add(tape, x, op.scale(tape, cube)));
      const bracket = op.scale(tape, op.keepsOutput(tape, inner));
      return op.multiply(tape, op.scale(tape, x), bracket);
    }
  }
}

/**
 * xIELU (arXiv:2411.13010) as transformers writes it where its own kernel is not installed: a_p x^2 + b x above 0, and
 * (expm1(min(x, e)) - x) a_n + b x below. x, a_p x, the exponential and, where the scales
 * train, its difference to x are kept, 2 bytes each, and a byte that says where x > 0.
 */
function xielu(pass: Pass, x: Value, trains: boolean): Value {
  const { tape } = pass;
  const scaled = op.keepsInput(tape, x);
  const square = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad });
  record(tape, { inputs: [scaled, x], outputs: [square], saved: [scaled, x] });
  const above = op.add(tape, square, op.scale(tape, x));
  const power = op.keepsOutput(tape, op.keepsInput(tape, x));
  const difference = op.add(tape, power, x);
  const scaledDifference = trains ? op.keepsInput(tape, difference) : op.scale(tape, difference);
  const below = op.add(tape, scaledDifference, op.scale(tape, x));
  const positive = fresh(tape, { elements: x.elements, width: 1, grad: false });
  const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad });
  record(tape, { inputs: [above, below], outputs: [value, positive], saved: [positive] });
  return value;
}

/** activation(gate) * up: the gate (by the activation), its result and up are kept, 6 bytes per element. */
export function gate(pass: Pass, gated: Value, up: Value, activation: Activation): Value {
  if (pass.kernels.fusedGate) return op.fusedGate(pass.tape, gated, up);
  return op.multiply(pass.tape, activate(pass, gated, activation), up);
}
