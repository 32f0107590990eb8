/** GPTQ, AWQ and AutoRound: integer codes for the linears of the text blocks. */
import type { ConfigReader } from "../../architecture/config-reader.ts";
import type { Encoding } from "../encoding.ts";
import { awq, byteWeights, type GroupedBits, gptq, MXFP4, MXFP8, nvfp4 } from "../linear-encodings.ts";
import { inTextBlock, isBlockLinear, isHead, isLinear } from "../linears.ts";
import type { Place, Scheme } from "../scheme.ts";
import {
  type ModuleList,
  NOTHING,
  passBudget,
  regexList,
  substringList,
  transformersList,
  unlessListed,
} from "../skip-list.ts";
import { groupSize, namesUnder } from "./quantization-block.ts";

/**
 * GPTQ: every linear of the text blocks, or those that `modules_in_block_to_quantize` lists; `dynamic` skips
 * ("-:") or overrides by pattern; the head only with `lm_head`. Routers stay.
 */
export function gptqScheme(block: ConfigReader): Scheme {
  const base = { bits: block.int("bits"), group: groupSize(block, ["group_size"], 128) };
  checkBits(block, "bits", base.bits, [2, 3, 4, 5, 6, 7, 8]);
  const listed = blockModules(block);
  const rules = dynamicRules(block, base);
  // GPTQModel leaves layers without bias alone; AutoGPTQ, which writes no `meta`, gave them one of zeros.
  const zeroBias = !/gptqmodel/i.test(JSON.stringify(block.raw.meta ?? ""));
  const head = block.flag("lm_head", false);
  const encode = cached((key: string, spec: GroupedBits) => gptq({ ...spec, zeroBias: key === "bias" }));
  return {
    id: gptq(base).id,
    basis: "modelled",
    layered: rules.length > 0,
    begin: (model) => {
      const budget = passBudget();
      const inList = listed?.(model, budget);
      const opened = rules.map(({ list, spec }) => ({ matches: list(model, budget), spec }));
      return (place) => {
        if (!(isBlockLinear(place) || (head && isHead(place)))) return null;
        if (inList !== undefined && !isHead(place) && !inList(place)) return null;
        const rule = opened.find(({ matches }) => matches(place));
        if (rule?.spec === null) return null;
        return encode(zeroBias && !hasBias(place) ? "bias" : "", rule?.spec ?? base);
      };
    },
  };
}

const hasBias = ({ tensor, siblings }: Place): boolean => {
  const name = tensor.name.replace(/weight$/, "bias");
  return siblings.some((sibling) => sibling.name === name);
};

function cached(make: (key: string, spec: GroupedBits) => Encoding) {
  const made = new Map<string, Encoding>();
  return (key: string, spec: GroupedBits): Encoding => {
    const id = `${key} ${spec.bits} ${spec.group}`;
    let encoding = made.get(id);
    if (encoding === undefined) {
      encoding = make(key, spec);
      made.set(id, encoding);
    }
    return encoding;
  };
}

function checkBits(config: ConfigReader, key: string, bits: number, allowed: readonly number[]): void {
  if (!allowed.includes(bits)) config.fail(key, `one of ${allowed.join(", ")} bits`);
}

/** `modules_in_block_to_quantize`: lists of module names inside a block. */
function blockModules(block: ConfigReader): ModuleList | null {
  const raw = block.raw.modules_in_block_to_quantize;
  if (!Array.isArray(raw)) return null;
  const names = raw.flat().filter((name): name is string => typeof name === "string");
  if (names.length === 0 || names.length > 10_000) return null;
  return transformersList(names, { file: block.file, key: "modules_in_block_to_quantize" });
}

interface DynamicRule {
  readonly list: ModuleList;
  /** Null: not quantized. */
  readonly spec: GroupedBits | null;
}

function dynamicRules(block: ConfigReader, base: GroupedBits): readonly DynamicRule[] {
  const dynamic = block.child("dynamic");
  if (dynamic === undefined) return [];
  return Object.keys(dynamic.raw).map((pattern) => {
    const at = { file: block.file, key: "dynamic" };
    const skip = pattern.startsWith("-:");
    const list = regexList([pattern.replace(/^[+-]:/, "")], at);
    if (skip) return { list, spec: null };
    const given = dynamic.child(pattern);
    return {
      list,
      spec:
        given === undefined
          ? base
          : { bits: given.int("bits", base.bits), group: groupSize(given, ["group_size"], base.group) },
    };
  });
}

/** AWQ: linears of the text blocks unless `modules_to_not_convert` occurs in their name. */
export function awqScheme(block: ConfigReader): Scheme {
  const bits = block.int(["bits", "w_bit"], 4);
  checkBits(block, block.has("bits") ? "bits" : "w_bit", bits, [2, 3, 4, 8]);
  const encoding = awq({ bits, group: groupSize(block, ["group_size", "q_group_size"], 128) });
  const skipped = namesUnder(block, ["modules_to_not_convert"]);
  const at = { file: block.file, key: "modules_to_not_convert" };
  const skip = skipped.length === 0 ? NOTHING : substringList(skipped, at);
  return {
    id: encoding.id,
    basis: "modelled",
    layered: skipped.length > 0,
    begin: unlessListed(skip, isBlockLinear, encoding),
  };
}

/**
 * AutoRound: linears under `block_name_to_quantize`, else of the text blocks; `extra_config` gives modules
 * their own bits, 16 meaning none.
 */
export function autoRoundScheme(block: ConfigReader): Scheme {
  const type = block.text("data_type", "int");
  const base: GroupedBits = {
    bits: block.int("bits", 4),
    group: groupSize(block, ["group_size"], 128),
  };
  const listed = autoRoundBlocks(block);
  const overrides = extraConfig(block, base);
  const encode = cached((_key, spec) => autoRoundEncoding(block, type, spec));
  return {
    id: encode("", base).id,
    basis: "modelled",
    layered: listed !== null || overrides.length > 0,
    begin: (model) => {
      const budget = passBudget();
      const inBlocks = listed?.(model, budget) ?? inTextBlock;
      const opened = overrides.map(({ list, spec }) => ({ matches: list(model, budget), spec }));
      return (place) => {
        if (!isLinear(place)) return null;
        const rule = opened.find(({ matches }) => matches(place));
        if (rule === undefined) return isBlockLinear(place) && inBlocks(place) ? encode("", base) : null;
        return rule.spec.bits < 16 ? encode("", rule.spec) : null;
      };
    },
  };
}

function autoRoundEncoding(block: ConfigReader, type: string, spec: GroupedBits): Encoding {
  const { bits, group } = spec;
  if (/^(int|uint)/.test(type)) {
    checkBits(block, "bits", bits, [2, 3, 4, 5, 6, 7, 8]);
    return awq(spec, "auto-round");
  }
  if (/^mx_?fp/.test(type)) return bits === 8 ? MXFP8 : MXFP4;
  if (/^nv_?fp/.test(type)) return nvfp4(2);
  if (/^fp8|^fp$/.test(type))
    return byteWeights("fp8", group > 0 ? { rows: 1, columns: group } : "channel", { scaleBytes: 2 });
  return block.fail("data_type", "int, mx_fp, nv_fp or fp8");
}

function autoRoundBlocks(block: ConfigReader): ModuleList | null {
  const raw = block.raw.block_name_to_quantize ?? block.raw.to_quant_block_names;
  const names =
    typeof raw === "string"
      ? raw.split(",")
      : Array.isArray(raw)
        ? raw.flat().filter((name): name is string => typeof name === "string")
        : [];
  const wanted = names.map((name) => name.trim()).filter((name) => name !== "");
  if (wanted.length === 0 || wanted.length > 100_000) return null;
  return transformersList(wanted, { file: block.file, key: "block_name_to_quantize" });
}

function extraConfig(
  block: ConfigReader,
  base: GroupedBits,
): readonly { readonly list: ModuleList; readonly spec: GroupedBits }[] {
  const extra = block.child("extra_config");
  if (extra === undefined) return [];
  const byspec = new Map<string, { names: string[]; spec: GroupedBits }>();
  for (const name of Object.keys(extra.raw)) {
    const given = extra.child(name);
    if (given === undefined) continue;
    const spec = {
      bits: given.int("bits", base.bits),
      group: groupSize(given, ["group_size"], base.group),
    };
    const key = `${spec.bits} ${spec.group}`;
    const known = byspec.get(key);
    if (known === undefined) byspec.set(key, { names: [name], spec });
    else known.names.push(name);
  }
  const at = { file: block.file, key: "extra_config" };
  return [...byspec.values()].map(({ names, spec }) => ({ list: regexList(names, at), spec }));
}
