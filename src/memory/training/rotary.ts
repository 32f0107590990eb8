import * as op from "./operations.ts";
import type { Pass } from "./pass.ts";
import { fresh, record, sharedTable, type Value, type Width } from "./tape.ts";

/**
 * Rotary positions on queries or keys. The products keep only the cos and sin tables, which all layers
 * share: 2 * S * d elements in the type of the residual stream.
 */
export function rotary(pass: Pass, x: Value, headDim: number, own: Value | null = null): Value {
  const { tape, code } = pass;
  if (code.rotary === "none") return x;
  if (code.rotary === "complex") {
    sharedTable(tape, "rotations", { elements: pass.seqTokens * (headDim / 2), width: 8 });
    return op.cast(tape, scaled(pass, op.cast(tape, x, 4), 4), x.width);
  }
  if (own !== null) return op.cast(tape, turn(pass, x, own), x.width);
  const part = pass.facts.rotaryFraction ?? 1;
  const rotated = Math.floor(headDim * part);
  const width = code.wideTables ? 4 : pass.residualWidth;
  const columns = code.rotary === "half-tables" ? rotated / 2 : rotated;
  const cos = sharedTable(tape, "cos", { elements: pass.seqTokens * columns, width });
  sharedTable(tape, "sin", { elements: pass.seqTokens * columns, width });
  if (code.inPlace) return op.view(tape, x);
  if (pass.kernels.fusedRotary) return op.copy(tape, x);
  if (!concatenates(pass, headDim)) {
    const turned = turn(pass, x, cos);
    return code.wideTables ? op.cast(tape, turned, x.width) : turned;
  }
  const elements = (x.elements / headDim) * rotated;
  if (elements === x.elements) return op.concat(tape, [turn(pass, x, cos)]);
  const [head, rest] = op.split(tape, x, [elements, x.elements - elements]) as [Value, Value];
  return op.concat(tape, [turn(pass, head, cos), rest]);
}

/**
 * cos and sin with every column twice in a row, made by each layer from the shared ones: its products keep both, in fp32,
 * and what they were made from lives during forward alone.
 *
 *     2 * S * d * 4: 512 tokens, heads of 64: 262,144 B in every layer
 */
export function ownTables(pass: Pass, headDim: number): Value {
  const { tape } = pass;
  const table = { elements: pass.seqTokens * headDim, width: 4, grad: false } as const;
  const [cos, sin] = [fresh(tape, table), fresh(tape, table)];
  const kept = fresh(tape, { elements: 0, width: 4, grad: true });
  record(tape, { inputs: [], outputs: [cos, sin, kept], saved: [cos, sin] });
  return cos;
}

/** Only the first columns of each head turn. */
export const rotatesPart = (pass: Pass, headDim: number): boolean =>
  Math.floor(headDim * (pass.facts.rotaryFraction ?? 1)) < headDim;

/** Rotated and passed parts are put together again: when only a part rotates, and always in Phi-3's code. */
export function concatenates(pass: Pass, headDim: number): boolean {
  if (pass.code.rotary === "half-tables" || pass.code.rotary === "half-concat") return true;
  return pass.code.rotary === "half" && rotatesPart(pass, headDim);
}

/** x * cos + rotate_half(x) * sin. */
function turn(pass: Pass, x: Value, cos: Value): Value {
  const { tape } = pass;
  const straight = scaled(pass, x, cos.width);
  const [first, second] = op.split(tape, x, [x.elements / 2, x.elements / 2]) as [Value, Value];
  const half = op.concat(tape, [op.scale(tape, second), first]);
  return op.add(tape, straight, scaled(pass, half, cos.width));
}

/** Product with a shared table: nothing of x is kept, because the table has no gradient. */
function scaled(pass: Pass, x: Value, width: Width): Value {
  const value = fresh(pass.tape, {
    elements: x.elements,
    width: x.width > width ? x.width : width,
    grad: x.grad,
  });
  record(pass.tape, { light: true, inputs: [x], outputs: [value] });
  return value;
}
