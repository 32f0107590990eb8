/** FP8 checkpoints of `quant_method` fp8 and fbgemm_fp8, and DeepSeek V4's own mixture. */
import type { ConfigReader } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import { byteWeights, MXFP4 } from "../linear-encodings.ts";
import { isHead, isLinear, isPredictionInput } from "../linears.ts";
import type { Place, Scheme } from "../scheme.ts";
import { NOTHING, transformersList, unlessListed } from "../skip-list.ts";
import { namesUnder } from "./quantization-block.ts";

/** Linears that FP8 checkpoints store in FP8 when no list says otherwise. */
function isFloat8Linear(place: Place): boolean {
  return (
    isLinear(place) &&
    !isHead(place) &&
    !isPredictionInput(place) &&
    // The indexer's output weights stay in 16 bits in DeepSeek V3.2 and GLM-5 (modules_to_not_convert there).
    !/\bindexer\b.*weights_proj/.test(place.tensor.name)
  );
}

/**
 * `weight_block_size` [128, 128]: e4m3 and one scale of 4 bytes per block. Without it, a scale per tensor, and one
 * for the input where activations are static.
 */
function float8Encoding(block: ConfigReader, scaleBytes = 4): Encoding {
  const listed = block.ints("weight_block_size");
  const inputScale = block.text("activation_scheme", "dynamic") === "static";
  // AutoFP8, which names its list `ignored_layers`, wrote one scale per tensor and no block size.
  const perTensor =
    block.raw.weight_block_size === null || inputScale || block.has(["ignored_layers", "ignore"]);
  if (listed === undefined && perTensor) return byteWeights("fp8", "tensor", { scaleBytes: 4, inputScale });
  const [rows, columns] = listed ?? [128, 128];
  if (!(rows !== undefined && columns !== undefined && rows > 0 && columns > 0))
    return block.fail("weight_block_size", "two sizes from 1, or null");
  return byteWeights("fp8", { rows, columns }, { scaleBytes });
}

/**
 * fp8: every linear but the head, the router and what the list names.
 *
 * DeepSeek V4 (`expert_dtype: "fp4"`) stores its experts in MXFP4, its other linears in FP8 with scales of
 * one byte, and its compressors, scorers and router in 16 bits.
 */
export function float8Scheme(block: ConfigReader, whole: ConfigReader): Scheme {
  const names = namesUnder(block, ["modules_to_not_convert", "ignored_layers", "ignore"]);
  const skip =
    names.length === 0
      ? NOTHING
      : transformersList(names, { file: block.file, key: "modules_to_not_convert" });
  const fourBitExperts = whole.optionalText("expert_dtype") === "fp4";
  const encoding = float8Encoding(block, fourBitExperts ? 1 : 4);
  return {
    id: fourBitExperts ? "fp8+mxfp4" : encoding.id,
    // Checked against published totals in blocks, and by formula only otherwise.
    basis: encoding.id === "fp8-block" ? "exact" : "modelled",
    layered: names.length > 0,
    begin: (model) => {
      const skipped = skip(model);
      return (place) => {
        const included = isFloat8Linear(place) || (fourBitExperts && isV4Projection(place));
        if (!included || skipped(place)) return null;
        if (!fourBitExperts) return encoding;
        if (place.tensor.kind === "expert") return MXFP4;
        return isV4Unquantized(place) ? null : encoding;
      };
    },
  };
}

/** V4's compressors and the scorer of its indexer. */
const isV4Unquantized = ({ tensor }: Place): boolean =>
  /\bcompressor\.(?:indexer\.)?(?:kv|gate)_proj\b|\bscorer\b/.test(tensor.name);

/** The two projections into V4's prediction layer, which are quantized like any other. */
const isV4Projection = ({ tensor, stack }: Place): boolean =>
  stack?.role === "mtp" && (tensor.name === "e_proj.weight" || tensor.name === "h_proj.weight");

/** fbgemm_fp8: e4m3 rows with a fp32 scale each. */
export function fbgemmScheme(block: ConfigReader): Scheme {
  const names = namesUnder(block, ["modules_to_not_convert"]);
  const skip = transformersList(names, { file: block.file, key: "modules_to_not_convert" });
  const encoding = byteWeights("fp8", "channel", { scaleBytes: 4 });
  return {
    id: "fbgemm-fp8",
    basis: "modelled",
    layered: names.length > 0,
    begin: unlessListed(skip, isFloat8Linear, encoding),
  };
}
