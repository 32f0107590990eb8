/** Methods whose files have one layout of their own: MXFP4, EXL2 and EXL3, MLX, Quark, BitNet. */

import type { ConfigReader } from "../../architecture/config-reader.ts";
import { isJsonObject } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import {
  affine,
  averageBits,
  byteWeights,
  exl3,
  type GroupedBits,
  MXFP4,
  MXFP8,
  nvfp4,
  packed,
} from "../linear-encodings.ts";
import { inTextBlock, isBlockLinear, isHead, isLinear, isPredictionInput } from "../linears.ts";
import type { Place, Scheme } from "../scheme.ts";
import { globList, namedValues, passBudget, transformersList, unlessListed } from "../skip-list.ts";
import { groupSize, namesUnder } from "./quantization-block.ts";

/** mxfp4 of gpt-oss: the experts, their biases aside; everything else keeps 16 bits. */
export function mxfp4Scheme(block: ConfigReader): Scheme {
  const names = namesUnder(block, ["modules_to_not_convert"]);
  const skip = transformersList(names, { file: block.file, key: "modules_to_not_convert" });
  return {
    id: "mxfp4",
    basis: "exact",
    layered: names.length > 0,
    begin: unlessListed(skip, (place) => place.tensor.kind === "expert", MXFP4),
  };
}

const isModelLinear = (place: Place): boolean =>
  isLinear(place) && !isHead(place) && !isPredictionInput(place);

/** nvfp4 and mxfp8 as methods of transformers 5: every linear but the head and the list. */
export function blockFloatScheme(method: "nvfp4" | "mxfp8", block: ConfigReader): Scheme {
  const names = namesUnder(block, ["modules_to_not_convert"]);
  const skip = transformersList(names, { file: block.file, key: "modules_to_not_convert" });
  const encoding = method === "nvfp4" ? nvfp4(1) : MXFP8;
  return {
    id: method,
    basis: "modelled",
    layered: names.length > 0,
    begin: unlessListed(skip, isModelLinear, encoding),
  };
}

/** EXL2 and EXL3: an average of `bits` over the blocks, the head apart; exact sizes are in the file's headers. */
export function exlScheme(method: "exl2" | "exl3", block: ConfigReader): Scheme {
  const read = (keys: readonly string[], fallback?: number): number => {
    const bits = block.number(keys, fallback);
    return bits >= 1 && bits <= 16 ? bits : block.fail(keys[0]!, "1 to 16 bits");
  };
  const bits = read(["bits"]);
  const headBits = read(["head_bits", "lm_head_bits"], 6);
  const encode = (id: string, b: number): Encoding => (method === "exl3" ? exl3(b) : averageBits(id, b));
  const encoding = encode(`exl2-${bits}bpw`, bits);
  const head = encode(`exl2-${headBits}bpw`, headBits);
  return {
    id: `${method}-${bits}bpw`,
    basis: "modelled",
    layered: false,
    begin: () => (place) => (isHead(place) ? head : isBlockLinear(place) ? encoding : null),
  };
}

/**
 * MLX: every linear, router and embedding of the text model with `bits` and `group_size`; entries of the
 * same object override a module or, with `false`, leave it out. Modes mxfp4, mxfp8 and nvfp4 keep one byte per
 * scale and no bias.
 */
export function mlxScheme(block: ConfigReader): Scheme {
  const base = mlxEncoding(block, { bits: 4, group: 64 });
  const rows: (readonly [string, Encoding | null])[] = [];
  for (const [name, value] of Object.entries(block.raw)) {
    if (value === false) rows.push([name, null]);
    else if (value === true) rows.push([name, base]);
    else if (isJsonObject(value)) rows.push([name, mlxEncoding(block.child(name)!, { bits: 4, group: 64 })]);
  }
  const own = namedValues(rows);
  return {
    id: base.id,
    basis: "modelled",
    layered: rows.length > 0,
    begin: () => (place) => {
      if (!isMlxModule(place)) return null;
      const found = own.find(place);
      return found === undefined ? base : found;
    },
  };
}

/** Modules with a quantized twin in MLX. */
function isMlxModule(place: Place): boolean {
  const { tensor, stack } = place;
  if (tensor.shape.length !== 2) return false;
  if (stack === null) return tensor.role === "embedding" || isHead(place);
  return inTextBlock(place) && (tensor.kind === "linear" || tensor.kind === "expert");
}

function mlxEncoding(config: ConfigReader, fallback: GroupedBits): Encoding {
  const mode = config.text("mode", "affine");
  switch (mode) {
    case "mxfp4":
      return MXFP4;
    case "mxfp8":
      return MXFP8;
    case "nvfp4":
      return byteScaledFour;
    case "affine":
      break;
    default:
      return config.fail("mode", "affine, mxfp4, mxfp8 or nvfp4");
  }
  const bits = config.int("bits", fallback.bits);
  if (![2, 3, 4, 5, 6, 8].includes(bits)) config.fail("bits", "2, 3, 4, 5, 6 or 8");
  return affine("mlx", { bits, group: groupSize(config, ["group_size"], fallback.group) });
}

/** MLX nvfp4 keeps no scale of the tensor. */
const byteScaledFour: Encoding = {
  id: "mlx-nvfp4",
  bytesOf: (shape) => nvfp4(1).bytesOf(shape) - 4,
};

/** metal: MLX's affine layout for linears alone, written by transformers 5. */
export function metalScheme(block: ConfigReader): Scheme {
  const encoding = mlxEncoding(block, { bits: 4, group: 64 });
  const names = namesUnder(block, ["modules_to_not_convert"]);
  const skip = transformersList(names, { file: block.file, key: "modules_to_not_convert" });
  return {
    id: encoding.id.replace("mlx", "metal"),
    basis: "modelled",
    layered: names.length > 0,
    begin: unlessListed(skip, isModelLinear, encoding),
  };
}

/**
 * Quark: linears that `exclude` does not name take the first pattern of `layer_quant_config` that fits, else
 * `global_quant_config`; a `weight` of null leaves them as they are.
 */
export function quarkScheme(block: ConfigReader): Scheme {
  const names = namesUnder(block, ["exclude"]);
  const skip = globList(
    names.map((name) => name.replace(/^re:/, "")),
    { file: block.file, key: "exclude" },
  );
  const types = block.child("layer_type_quant_config");
  if (types !== undefined && Object.keys(types.raw).length > 0)
    block.fail("layer_type_quant_config", "none: modules are told apart by their names here");
  const own = quarkLayers(block);
  const base = quarkWeight(block.child("global_quant_config"));
  const ids = new Set([base, ...own.map(({ encoding }) => encoding)].flatMap((each) => each?.id ?? []));
  if (ids.size === 0) return block.fail("global_quant_config", "the weight configuration of Quark");
  return {
    id: `quark-${[...ids].join("+")}`,
    basis: "modelled",
    layered: names.length > 0 || own.length > 0,
    begin: (model) => {
      const budget = passBudget();
      const skipped = skip(model, budget);
      const opened = own.map(({ list, encoding }) => ({ names: list(model, budget), encoding }));
      return (place) => {
        if (!isLinear(place) || isPredictionInput(place) || skipped(place)) return null;
        const found = opened.find(({ names: named }) => named(place));
        return found === undefined ? base : found.encoding;
      };
    },
  };
}

/** The patterns of `layer_quant_config` in their order. */
function quarkLayers(block: ConfigReader) {
  const layers = block.child("layer_quant_config");
  if (layers === undefined) return [];
  const patterns = Object.keys(layers.raw);
  if (patterns.length > 10_000) block.fail("layer_quant_config", "at most 10,000 patterns");
  const known = new Map<string, Encoding | null>();
  return patterns.map((pattern) => {
    const text = JSON.stringify(layers.raw[pattern]);
    if (!known.has(text)) known.set(text, quarkWeight(layers.child(pattern)));
    return {
      list: globList([pattern], { file: block.file, key: "layer_quant_config" }),
      encoding: known.get(text)!,
    };
  });
}

function quarkWeight(config: ConfigReader | undefined): Encoding | null {
  const weight = config?.child("weight");
  return weight === undefined ? null : quarkEncoding(weight);
}

function quarkEncoding(weight: ConfigReader): Encoding {
  const type = weight.text("dtype").toLowerCase();
  const scheme = weight.text("qscheme", "per_tensor");
  const group = groupSize(weight, ["group_size"], 32);
  if (type === "fp4") return MXFP4;
  if (type === "int4" || type === "uint4")
    return packed({ bits: 4, group: scheme === "per_group" ? group : -1, asymmetric: type === "uint4" });
  if (type.startsWith("fp8") || type === "int8") {
    const id = type === "int8" ? "int8" : "fp8";
    if (scheme === "per_group")
      return group === 32 && id === "fp8"
        ? MXFP8
        : byteWeights(id, { rows: 1, columns: group }, { scaleBytes: 4 });
    return byteWeights(id, scheme === "per_tensor" ? "tensor" : "channel", { scaleBytes: 4 });
  }
  return weight.fail("dtype", "fp4, fp8_e4m3, int8, int4 or uint4");
}

/** BitNet: four ternary weights a byte and one scale per tensor. */
export function bitnetScheme(block: ConfigReader): Scheme {
  const names = namesUnder(block, ["modules_to_not_convert"]);
  const skip = transformersList(names, { file: block.file, key: "modules_to_not_convert" });
  const encoding: Encoding = {
    id: "bitnet",
    bytesOf: ([rows = 1, columns = 1]) => Math.ceil(rows / 4) * columns + 2,
  };
  return {
    id: "bitnet",
    basis: "modelled",
    layered: names.length > 0,
    begin: unlessListed(skip, isBlockLinear, encoding),
  };
}
