import type { Architecture } from "../../architecture/model.ts";
import { walkScheme } from "../../quantization/assignment.ts";
import type { Scheme } from "../../quantization/scheme.ts";
import { onceForEach } from "../../remember.ts";
import type { Bytes } from "../../units.ts";

/** MXFP4 kernels take expert widths in multiples of this. */
const WIDTH_STEP = 256;

/**
 * Bytes that vLLM adds to MXFP4 experts, whose width it pads to a multiple of 256 (the outputs of gate and
 * up, the inputs of down).
 *
 *     sum over experts of bytes of the padded weight - bytes of the weight
 *
 * Reading: gpt-oss-20b loads as 13.47 GiB of 12.82 in the file: 2880 becomes 3072, 1.067 times the experts.
 * Later releases show 13.64 and pad further.
 */
export function expertPadding(model: Architecture, scheme: Scheme): Bytes {
  return paddingOf(model, scheme);
}

const paddingOf = onceForEach((model: Architecture, scheme: Scheme): Bytes => {
  let padding = 0;
  walkScheme(model, scheme, { mtp: false }, ({ tensor }, layers, encoding) => {
    if (tensor.kind !== "expert" || encoding.id !== "mxfp4") return;
    const [rows = 0, columns = 0] = tensor.shape;
    const inputs = tensor.role === "mlp-down";
    // A fused gate and up is two widths of outputs.
    const widths = tensor.role === "mlp-gate-up" ? 2 : 1;
    const width = (inputs ? columns : rows) / widths;
    const padded = Math.ceil(width / WIDTH_STEP) * WIDTH_STEP;
    const shape = inputs ? [rows, padded] : [padded * widths, columns];
    const extra = encoding.bytesOf(shape) - encoding.bytesOf(tensor.shape);
    padding += layers * tensor.copies * extra;
  });
  return padding;
});
