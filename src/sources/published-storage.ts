import { isJsonObject } from "../architecture/config-reader.ts";
import type { WeightStorage } from "../quantization/storage.ts";

const BLOCKS = ["quantization_config", "compression_config", "quantization"] as const;
const PARTS = ["text_config", "llm_config", "language_config", "thinker_config"] as const;

/**
 * How a parsed config.json says its weights are stored, for want of headers; undefined when it says nothing.
 * The quantization schemes are loaded only for a config that mentions one.
 *
 * @throws bad-config for a method that is not described
 */
export async function publishedStorage(config: unknown, file: string): Promise<WeightStorage | undefined> {
  if (!mentionsQuantization(config)) return undefined;
  const { storageFromConfig } = await import("../quantization/storage-from-config.ts");
  return storageFromConfig(config, file) ?? undefined;
}

function mentionsQuantization(config: unknown): boolean {
  if (typeof config !== "object" || config === null) return false;
  const keys = config as Readonly<Record<string, unknown>>;
  return (
    BLOCKS.some((key) => Object.hasOwn(keys, key)) ||
    PARTS.some((key) => Object.hasOwn(keys, key) && mentionsQuantization(keys[key]))
  );
}

/**
 * The cache format whose scales the checkpoint carries: `kv_cache_scheme` of compressed-tensors and ModelOpt, or the older
 * `kv_cache_quant_algo`, at top level or in the text part. Undefined when it says nothing, or another format than fp8.
 *
 * @example publishedCacheFormat({ quantization_config: { kv_cache_scheme: { type: "float", num_bits: 8 } } }) // "fp8"
 */
export function publishedCacheFormat(config: unknown): "fp8" | undefined {
  if (!isJsonObject(config)) return undefined;
  for (const key of BLOCKS) {
    const block = config[key];
    if (!isJsonObject(block)) continue;
    const { kv_cache_scheme: modern, kv_cache_quant_algo: older } = block;
    const scheme = modern ?? older;
    if (typeof scheme === "string") return scheme.toLowerCase() === "fp8" ? "fp8" : undefined;
    if (!isJsonObject(scheme)) continue;
    const { type, num_bits: bits } = scheme;
    return type === "float" && bits === 8 ? "fp8" : undefined;
  }
  for (const key of PARTS) {
    const found = publishedCacheFormat(config[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Files beside a config.json that say the same in the words of one tool, in order of preference. */
export const QUANTIZATION_FILES = [
  "hf_quant_config.json",
  "quantize_config.json",
  "quant_config.json",
] as const;

/** As `publishedStorage`, from one of `QUANTIZATION_FILES`. */
export async function storageOfToolFile(value: unknown, file: string): Promise<WeightStorage | undefined> {
  const { storageFromConfig } = await import("../quantization/storage-from-config.ts");
  return storageFromConfig(value, file) ?? undefined;
}
