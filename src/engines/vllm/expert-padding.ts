import type { Architecture } from "../../architecture/model.ts";
import { walkScheme } from "../../quantization/assignment.ts";
import type { Scheme } from "../../quantization/scheme.ts";
import { onceForEach } from "../../remember.ts";
import type { Bytes } from "../../units.ts";

/** What a kernel's multiples make of an expert: of its width, and of the hidden size where it reads and writes that. */
interface Steps {
  readonly width: number;
  readonly hidden: number;
}

/** Triton's, on H100 and H200. */
const TRITON: Steps = { width: 256, hidden: 1 };
/** FlashInfer's TRT-LLM kernels, on B200. */
const FLASHINFER: Steps = { width: 256, hidden: 256 };
/** Marlin's, where the card multiplies no fp4. */
const MARLIN: Steps = { width: 128, hidden: 256 };

/**
 * Bytes that vLLM adds to MXFP4 experts, whose sides it pads to what the card's kernel takes (the outputs of gate and
 * up, the inputs of down; on the other side the hidden size).
 *
 *     sum over experts of bytes of the padded weight - bytes of the weight
 *
 * Source: vLLM `quantization/mxfp4.py`. Readings: gpt-oss-20b on an H100 loads as 13.47 GiB of 12.82 in the file: 2880
 * becomes 3072, 1.067 times the experts (later releases show 13.64 and pad further); a quarter of gpt-oss-120b on an A100
 * as 17.22 GiB, where 720 x 2880 as 768 x 3072 make 17.20. Not modelled: an H100 without Triton's kernels takes Marlin's,
 * 65.97 GiB for gpt-oss-120b.
 */
export function expertPadding(model: Architecture, scheme: Scheme, generation?: string): Bytes {
  return paddingOn(generation)(model, scheme);
}

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

const paddingTo = (steps: Steps) =>
  onceForEach((model: Architecture, scheme: Scheme): Bytes => {
    let padding = 0;
    walkScheme(model, scheme, { mtp: false }, ({ tensor }, layers, encoding) => {
      if (tensor.kind !== "expert" || encoding.id !== "mxfp4") return;
      const [rows = 0, columns = 0] = tensor.shape;
      // A fused gate and up is two widths of outputs.
      const widths = tensor.role === "mlp-gate-up" ? 2 : 1;
      const shape =
        tensor.role === "mlp-down"
          ? [roundUp(rows, steps.hidden), roundUp(columns, steps.width)]
          : [roundUp(rows / widths, steps.width) * widths, roundUp(columns, steps.hidden)];
      padding += layers * tensor.copies * (encoding.bytesOf(shape) - encoding.bytesOf(tensor.shape));
    });
    return padding;
  });

const tritonPadding = paddingTo(TRITON);
const flashinferPadding = paddingTo(FLASHINFER);
const marlinPadding = paddingTo(MARLIN);

/** Without a card as on an H100. */
function paddingOn(generation: string | undefined): typeof tritonPadding {
  if (generation === undefined || generation === "hopper") return tritonPadding;
  return generation === "blackwell" ? flashinferPadding : marlinPadding;
}
