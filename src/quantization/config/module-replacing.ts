/** Methods that replace linear modules as a model loads, towers included: bitsandbytes, HQQ, torchao, quanto, EETQ. */
import type { ConfigReader } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import { affine, bitsAndBytes4, byteWeights, HQQ_BITS, hqq, LLM_INT8 } from "../linear-encodings.ts";
import { isHead, isLinear, isPredictionInput } from "../linears.ts";
import { moduleName } from "../module-names.ts";
import type { Place, Scheme } from "../scheme.ts";
import { bitsAndBytesList, type ModuleList, transformersList, unlessListed } from "../skip-list.ts";
import { groupSize, namesUnder } from "./quantization-block.ts";

function replacing(spec: {
  readonly id: string;
  readonly encoding: Encoding;
  readonly skip: ModuleList;
  readonly layered: boolean;
  /** Experts were modules of their own when the file was written. */
  readonly experts: boolean;
  readonly head?: boolean;
}): Scheme {
  const { id, encoding, skip, experts, head = false } = spec;
  const reaches = (place: Place): boolean =>
    isLinear(place) &&
    !isPredictionInput(place) &&
    (head || !isHead(place)) &&
    (experts || place.tensor.kind !== "expert");
  return {
    id,
    basis: "modelled",
    layered: spec.layered,
    begin: unlessListed(skip, reaches, encoding),
  };
}

/** Before transformers 5 every expert was a linear module; since then they are one three-dimensional parameter. */
function expertsWereModules(whole: ConfigReader): boolean {
  const version = whole.raw.transformers_version;
  return typeof version === "string" && /^[0-4]\./.test(version);
}

/** bitsandbytes: LLM.int8 or 4 bits; `llm_int8_skip_modules` and the head stay. */
export function bitsAndBytesScheme(block: ConfigReader, whole: ConfigReader): Scheme {
  const names = namesUnder(block, ["llm_int8_skip_modules"]);
  const encoding = block.flag("load_in_8bit", false) ? LLM_INT8 : fourBit(block);
  return replacing({
    id: encoding.id,
    encoding,
    skip: bitsAndBytesList(names, { file: block.file, key: "llm_int8_skip_modules" }),
    layered: names.length > 0,
    experts: expertsWereModules(whole),
  });
}

function fourBit(block: ConfigReader): Encoding {
  const type = block.text("bnb_4bit_quant_type", "fp4");
  if (type !== "nf4" && type !== "fp4") return block.fail("bnb_4bit_quant_type", '"nf4" or "fp4"');
  return bitsAndBytes4(type === "nf4" ? "nf4" : "bnb_fp4", block.flag("bnb_4bit_use_double_quant", false));
}

const listOf = (block: ConfigReader, keys: readonly string[]) => {
  const names = namesUnder(block, keys);
  return {
    skip: transformersList(names, { file: block.file, key: keys[0]! }),
    layered: names.length > 0,
  };
};

/**
 * HQQ: `quant_config.weight_quant_params` or the block itself; `skip_modules` stay, by default the head. A
 * `quant_config` of tags ("self_attn.q_proj") quantizes the modules of those tags, each with its own bits, and no
 * others (transformers 5.18 integrations/hqq.py).
 */
export function hqqScheme(block: ConfigReader, whole: ConfigReader): Scheme {
  const quant = block.child("quant_config") ?? block;
  const scheme = {
    ...listOf(block, ["skip_modules", "modules_to_not_convert"]),
    experts: expertsWereModules(whole),
  };
  const tagged = quant.has("weight_quant_params") ? [] : taggedEncodings(quant);
  if (tagged.length > 0) return ofTags(tagged, scheme);
  const encoding = hqqEncoding(quant);
  return replacing({ id: encoding.id, encoding, ...scheme });
}

function hqqEncoding(quant: ConfigReader): Encoding {
  const params = quant.child("weight_quant_params") ?? quant;
  const bits = params.int(["nbits", "bits"], 4);
  if (!HQQ_BITS.includes(bits)) params.fail("nbits", `one of ${HQQ_BITS.join(", ")} bits`);
  return hqq({ bits, group: groupSize(params, ["group_size"], 64) });
}

/** The entries of a `quant_config` by tag; null for a tag that stays. */
function taggedEncodings(quant: ConfigReader): readonly (readonly [string, Encoding | null])[] {
  const isEntry = (value: unknown): boolean =>
    typeof value === "object" && value !== null && Object.hasOwn(value, "weight_quant_params");
  const tags = Object.keys(quant.raw);
  if (!tags.some((tag) => isEntry(quant.raw[tag]))) return [];
  return tags.map((tag) => [tag, isEntry(quant.raw[tag]) ? hqqEncoding(quant.child(tag)!) : null]);
}

function ofTags(
  tagged: readonly (readonly [string, Encoding | null])[],
  {
    skip,
    layered,
    experts,
  }: { readonly skip: ModuleList; readonly layered: boolean; readonly experts: boolean },
): Scheme {
  const byTag = new Map(tagged);
  const ids = new Set(tagged.flatMap(([, encoding]) => (encoding === null ? [] : [encoding.id])));
  return {
    id: [...ids].join("+"),
    basis: "modelled",
    layered,
    begin: (model) => {
      const skipped = skip(model);
      return (place) => {
        if (!isLinear(place) || isPredictionInput(place) || skipped(place)) return null;
        if (!experts && place.tensor.kind === "expert") return null;
        return byTag.get(hqqTag(moduleName(place))) ?? null;
      };
    },
  };
}

/** "model.layers.3.self_attn.q_proj" -> "self_attn.q_proj". */
const hqqTag = (name: string): string =>
  name
    .split(".")
    .filter((part) => part !== "model" && part !== "layers" && !/^\d+$/.test(part))
    .join(".");

/** torchao: `quant_type` as a name, or as `{ default: { _type, _data } }`. */
export function torchaoScheme(block: ConfigReader, whole: ConfigReader): Scheme {
  const raw = block.raw.quant_type;
  const nested = typeof raw === "string" ? undefined : block.child("quant_type")?.child("default");
  const type = (typeof raw === "string" ? raw : (nested?.text("_type") ?? "")).toLowerCase();
  const data = nested?.child("_data") ?? block.child("quant_type_kwargs") ?? block;
  const encoding = torchaoEncoding(block, type, data);
  return replacing({
    id: encoding.id,
    encoding,
    ...listOf(block, ["modules_to_not_convert"]),
    experts: expertsWereModules(whole),
    head: block.flag("include_input_output_embeddings", false),
  });
}

function torchaoEncoding(block: ConfigReader, type: string, data: ConfigReader): Encoding {
  if (/int4|uint4/.test(type))
    return affine("torchao", { bits: 4, group: groupSize(data, ["group_size"], 128) });
  if (/int8/.test(type)) {
    const group = groupSize(data, ["group_size"], -1);
    return byteWeights("torchao-int8", group > 0 ? { rows: 1, columns: group } : "channel", {
      scaleBytes: 2,
    });
  }
  if (/float8|fp8/.test(type)) return byteWeights("torchao-fp8", "channel", { scaleBytes: 4 });
  return block.fail("quant_type", "an int4, int8 or float8 configuration of torchao");
}

/** quanto: `weights` is float8, int8, int4 or int2; 4 and 2 bits in groups of 128. */
export function quantoScheme(block: ConfigReader, whole: ConfigReader): Scheme {
  const type = block.text("weights", "int8");
  const encoding =
    type === "int8" || type === "float8"
      ? byteWeights(`quanto-${type}`, "channel", { scaleBytes: 2 })
      : type === "int4" || type === "int2"
        ? affine("quanto", { bits: Number(type[3]), group: 128 })
        : block.fail("weights", "float8, int8, int4 or int2");
  return replacing({
    id: encoding.id,
    encoding,
    ...listOf(block, ["modules_to_not_convert"]),
    experts: expertsWereModules(whole),
  });
}

/** EETQ: int8 with a scale in 16 bits per output. */
export function eetqScheme(block: ConfigReader, whole: ConfigReader): Scheme {
  return replacing({
    id: "eetq",
    encoding: byteWeights("eetq", "channel", { scaleBytes: 2 }),
    ...listOf(block, ["modules_to_not_convert"]),
    experts: expertsWereModules(whole),
  });
}
