/** Where a config says that its weights are quantized. */
import { type ConfigReader, readConfig } from "../../architecture/config-reader.ts";

export interface QuantizationBlock {
  /** The object that describes the method. */
  readonly block: ConfigReader;
  readonly method: string;
  /** The config.json around it, or the block itself when the file is only about quantization. */
  readonly whole: ConfigReader;
}

const PARTS = ["text_config", "llm_config", "language_config", "thinker_config"] as const;
const BLOCKS = ["quantization_config", "compression_config", "quantization"] as const;
/** Where AQLM and QuIP# wrote their settings before there was a block for them. */
const OWN_KEYS = ["aqlm", "quip_params"] as const;

/**
 * The quantization block of a config.json (at top level or in its text part), of hf_quant_config.json, of
 * quantize_config.json (GPTQ) or of quant_config.json (AWQ); null when there is none.
 */
export function quantizationBlock(value: unknown, file: string): QuantizationBlock | null {
  const whole = readConfig(value, file);
  const nested = nestedBlock(whole);
  const unsized = nested === undefined ? OWN_KEYS.find((key) => whole.has(key)) : undefined;
  if (unsized !== undefined)
    whole.fail(unsized, "a method that is sized here; the headers of its weight files give its size too");
  const block = nested ?? (describesItself(whole) ? whole : undefined);
  if (block === undefined || Object.keys(block.raw).length === 0) return null;
  const method = methodOf(block);
  return method === null ? null : { block, method, whole };
}

function nestedBlock(config: ConfigReader): ConfigReader | undefined {
  for (const key of BLOCKS) {
    const found = config.raw[key];
    if (typeof found === "object" && found !== null) return config.child(key);
    if (found !== undefined && found !== null && key !== "quantization")
      config.fail(key, "an object that describes a method");
  }
  for (const key of PARTS) {
    const found = config.raw[key];
    const part = typeof found === "object" && found !== null ? config.child(key) : undefined;
    const nested = part === undefined ? undefined : nestedBlock(part);
    if (nested !== undefined) return nested;
  }
  return undefined;
}

/** quantize_config.json and quant_config.json are the block and nothing else. */
const describesItself = (config: ConfigReader): boolean =>
  !config.has(["model_type", "architectures", "hidden_size"]) &&
  config.has(["w_bit", "q_group_size", "desc_act", "damp_percent", "quant_method", "quant_algo"]);

/** The method by its name, or by keys that only it has; null for a block that quantizes nothing. */
function methodOf(block: ConfigReader): string | null {
  const has = (...keys: readonly string[]): boolean => block.has(keys);
  const stated = block.optionalText("quant_method")?.toLowerCase();
  // ModelOpt writes its algorithm beside another method's name when it kept that method's other weights.
  if (has("quant_algo") && (stated === undefined || stated.startsWith("modelopt") || has("quantized_layers")))
    return "modelopt";
  if (stated !== undefined) return stated;
  if (has("load_in_4bit", "load_in_8bit", "bnb_4bit_quant_type"))
    return block.flag("load_in_4bit", false) || block.flag("load_in_8bit", false) ? "bitsandbytes" : null;
  if (has("config_groups")) return "compressed-tensors";
  if (has("w_bit", "q_group_size")) return "awq";
  if (has("desc_act", "damp_percent", "true_sequential")) return "gptq";
  if (has("quant_config") && block.child("quant_config")?.has(["weight_quant_params"]) === true) return "hqq";
  if (has("bits", "group_size") || has("mode")) return "mlx";
  return "(none given)";
}

/** A list of texts under one of the keys; empty when absent or not a list of texts. */
export function namesUnder(config: ConfigReader, keys: readonly string[]): readonly string[] {
  for (const key of keys) {
    const found = config.raw[key];
    if (found === undefined || found === null) continue;
    if (Array.isArray(found) && found.length <= 1_000_000 && found.every((name) => typeof name === "string"))
      return found;
    config.fail(key, "a list of module names");
  }
  return [];
}

/** Groups of inputs: a whole number from 1, or -1 or 0 for all of them. */
export function groupSize(config: ConfigReader, keys: readonly string[], fallback: number): number {
  for (const key of keys) {
    const found = config.raw[key];
    if (found === undefined || found === null) continue;
    if (found === -1 || found === 0) return -1;
    return config.int(key);
  }
  return fallback;
}
