/** The `weights` object of compressed-tensors and ModelOpt groups: what one linear becomes. */
import type { ConfigReader } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import { byteWeights, MXFP4, MXFP8, nvfp4, packed } from "../linear-encodings.ts";
import { groupSize } from "./quantization-block.ts";

/** How the writer keeps what the weights object leaves open. */
export interface WeightArgsContext {
  /** `format` of the group or of the whole config. */
  readonly format: string;
  /** Activations are quantized too: a static scale of the input is stored. */
  readonly staticInput: boolean;
  /** Bytes of a scale of FP8 and INT8 weights: 2 in compressed-tensors, 4 in ModelOpt. */
  readonly scaleBytes: number;
}

/**
 * num_bits, type, strategy, group_size, symmetric and block_structure -> bytes.
 *
 * @throws bad-config for a combination that no writer has.
 */
export function weightEncoding(weights: ConfigReader, context: WeightArgsContext): Encoding {
  const bits = weights.int("num_bits", 8);
  const type = weights.text("type", "int");
  const group = groupSize(weights, ["group_size"], -1);
  if (type === "float") return floatEncoding(weights, bits, group, context);
  if (type !== "int") return weights.fail("type", '"int" or "float"');
  if (bits === 8 && !context.format.startsWith("pack"))
    return byteWeights("int8", reach(weights, group), {
      scaleBytes: context.scaleBytes,
      inputScale: context.staticInput,
    });
  if (![2, 3, 4, 5, 6, 7, 8].includes(bits)) return weights.fail("num_bits", "2 to 8");
  const reordered = weights.raw.actorder === "group";
  return packed({
    bits,
    group: weights.raw.strategy === "channel" || weights.raw.strategy === "tensor" ? -1 : group,
    asymmetric: weights.optionalFlag("symmetric") === false,
    groupIndex: reordered,
  });
}

function floatEncoding(
  weights: ConfigReader,
  bits: number,
  group: number,
  context: WeightArgsContext,
): Encoding {
  if (bits === 4) return group === 32 ? MXFP4 : nvfp4(context.staticInput ? 2 : 1);
  if (bits !== 8) return weights.fail("num_bits", "4 or 8 for float weights");
  if (group === 32) return MXFP8;
  return byteWeights("fp8", reach(weights, group), {
    scaleBytes: context.scaleBytes,
    inputScale: context.staticInput,
  });
}

function reach(weights: ConfigReader, group: number) {
  const strategy = weights.text("strategy", group > 0 ? "group" : "tensor");
  switch (strategy) {
    case "tensor":
      return "tensor" as const;
    case "channel":
    case "token":
      return "channel" as const;
    case "block": {
      const [rows, columns] = weights.ints("block_structure") ?? [128, 128];
      if (!(rows !== undefined && columns !== undefined && rows > 0 && columns > 0))
        return weights.fail("block_structure", "two sizes from 1");
      return { rows, columns };
    }
    case "group":
    case "tensor_group":
      return group > 0 ? { rows: 1, columns: group } : ("channel" as const);
    default:
      return weights.fail("strategy", "tensor, channel, block or group");
  }
}
