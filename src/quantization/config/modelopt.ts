import { type ConfigReader, overriding } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import { awq, byteWeights, MXFP8, nvfp4, packed } from "../linear-encodings.ts";
import { isLinear, isPredictionInput } from "../linears.ts";
import type { Scheme } from "../scheme.ts";
import { globList, namedValues, passBudget } from "../skip-list.ts";
import { configGroups } from "./compressed-tensors.ts";
import { float8Scheme } from "./float8.ts";
import { groupSize, namesUnder } from "./quantization-block.ts";

/** `quant_algo` values of NVIDIA ModelOpt 0.46 and the encoding of each. */
function algorithm(config: ConfigReader, key: string, name: string): Encoding {
  switch (name.toUpperCase()) {
    case "FP8":
      return byteWeights("fp8", "tensor", { scaleBytes: 4, inputScale: true });
    case "FP8_PER_CHANNEL_PER_TOKEN":
      return byteWeights("fp8", "channel", { scaleBytes: 4 });
    case "FP8_PB_WO":
      return byteWeights("fp8", { rows: 128, columns: 128 }, { scaleBytes: 4 });
    case "MXFP8":
      return MXFP8;
    case "NVFP4":
    case "NVFP4_AWQ":
    case "NVFP4_SVDQUANT":
      return nvfp4(2);
    case "W4A16_NVFP4":
      return nvfp4(1);
    case "W8A8_SQ_PER_CHANNEL":
    case "INT8":
      return byteWeights("int8", "channel", { scaleBytes: 4 });
    case "W4A16":
    case "W4A16_AWQ":
    case "W4A8_AWQ":
    case "INT4_AWQ":
      return awq({ bits: 4, group: groupSize(config, ["group_size"], 128) }, "modelopt");
    case "W8A16":
      return packed({ bits: 8, group: -1 });
    default:
      return config.fail(
        key,
        "an algorithm of ModelOpt: FP8, FP8_PER_CHANNEL_PER_TOKEN, FP8_PB_WO, MXFP8, NVFP4, W4A16_NVFP4, W4A16_AWQ, W8A16 or MIXED_PRECISION",
      );
  }
}

/**
 * ModelOpt: one algorithm for all linears outside the exclusions, or MIXED_PRECISION with an algorithm per
 * module (`quantized_layers`) or per group of modules.
 *
 * A mixture may lie over another method's checkpoint: modules it does not list keep what that method gives.
 */
export function modeloptScheme(given: ConfigReader, whole: ConfigReader): Scheme {
  const block = given.child("quantization") ?? given;
  const algo = block.text("quant_algo");
  const mixed = algo.toUpperCase() === "MIXED_PRECISION";
  const names = namesUnder(block, ["ignore", "exclude_modules"]);
  const at = { file: block.file, key: block.has("ignore") ? "ignore" : "exclude_modules" };
  const excluded = globList(names, at);
  const single = mixed ? null : algorithm(block, "quant_algo", algo);
  const listed = quantizedLayers(block);
  const groups = mixed ? configGroups(block, { scaleBytes: 4, matcher: globList }) : [];
  // The exclusions are ModelOpt's own: what they name still has the encoding underneath.
  const under =
    block.optionalText("quant_method") === "fp8"
      ? float8Scheme(overriding(block, { ignore: null, exclude_modules: null }), whole)
      : null;
  return {
    id: single?.id ?? (listed === null ? "modelopt-mixed" : listed.id),
    basis: "modelled",
    layered: true,
    begin: (model) => {
      const underneath = under?.begin(model);
      const budget = passBudget();
      const isExcluded = excluded(model, budget);
      const opened = groups.map((group) => ({ ...group, names: group.named(model, budget) }));
      return (place) => {
        if (!isLinear(place)) return null;
        if (isPredictionInput(place) || isExcluded(place)) return underneath?.(place) ?? null;
        if (single !== null) return single;
        const own = listed?.find(place) ?? opened.find(({ names: named }) => named(place))?.encoding;
        if (own !== undefined && own !== null) return own;
        if (underneath !== undefined) return underneath(place);
        return listed === null ? (groups.find(({ linears }) => linears)?.encoding ?? null) : null;
      };
    },
  };
}

function quantizedLayers(block: ConfigReader) {
  const layers = block.child("quantized_layers");
  if (layers === undefined) return null;
  const known = new Map<string, Encoding>();
  const rows: (readonly [string, Encoding])[] = [];
  for (const name of Object.keys(layers.raw)) {
    const layer = layers.child(name);
    if (layer === undefined) continue;
    const algo = layer.text("quant_algo");
    const key = `${algo} ${String(layer.raw.group_size)}`;
    let encoding = known.get(key);
    if (encoding === undefined) {
      encoding = algorithm(layer, "quant_algo", algo);
      known.set(key, encoding);
    }
    rows.push([name, encoding]);
  }
  const ids = [...new Set(rows.map(([, encoding]) => encoding.id))];
  return { ...namedValues(rows), id: ids.sort().join("+") };
}
