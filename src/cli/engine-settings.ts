/** `--set`: the engine's own flags, by their names there. */
import { nearestNames, VramCalcError } from "../errors.ts";
import { ATTENTION_IMPLEMENTATIONS } from "../memory/attention-mask.ts";
import { exampleOf, isSwitch, meaningOf, readValue, type SettingKind } from "./setting-value.ts";

export type EngineSettings = Readonly<Record<string, number | boolean | string | readonly number[]>>;

/** What `--set` may hold: flag of the engine, its name in the core, what it is, and its other spellings there. */
const SETTINGS: readonly (readonly [
  flag: string,
  name: string,
  kind: SettingKind,
  spellings?: readonly string[],
])[] = [
  ["gpu-memory-utilization", "gpuMemoryUtilization", "share"],
  ["max-num-seqs", "maxNumSeqs", "count"],
  ["max-num-batched-tokens", "maxBatchedTokens", "count"],
  ["block-size", "blockTokens", "count"],
  ["enforce-eager", "enforceEager", "switch"],
  ["num-speculative-tokens", "speculativeTokens", "whole", ["speculative-tokens"]],
  ["enable-prefix-caching", "prefixCaching", "switch", ["prefix-caching"]],
  ["disable-hybrid-kv-cache-manager", "hybridManager", "off-switch"],
  ["flashinfer-sampler", "flashinferSampler", "switch"],
  ["kv-cache-memory-bytes", "kvCacheMemoryBytes", "count", ["kv-cache-memory"]],
  ["num-gpu-blocks-override", "numGpuBlocks", "count"],
  ["mem-fraction-static", "memFractionStatic", "share"],
  ["ngl", "gpuLayers", "layers", ["n-gpu-layers", "gpu-layers"]],
  ["n-cpu-moe", "cpuExpertLayers", "whole", ["ncmoe"]],
  ["cpu-moe", "cpuExperts", "switch", ["cmoe"]],
  ["tensor-split", "tensorSplit", "list", ["ts"]],
  ["fa", "flashAttention", "auto-switch", ["flash-attn"]],
  ["ub", "ubatchTokens", "count", ["ubatch-size"]],
  ["b", "batchTokens", "count", ["batch-size"]],
  ["no-kv-offload", "hostCache", "switch", ["nkvo"]],
  ["kv-unified", "unified", "switch", ["kvu"]],
  ["swa-full", "swaFull", "switch"],
  ["mmproj", "projector", "switch"],
  ["backend", "backend", ["cuda", "vulkan", "rocm"]],
  ["chunked-prefill-size", "chunkedPrefillTokens", "whole-or-none"],
  ["max-running-requests", "maxRunningRequests", "count"],
  ["max-total-tokens", "maxTotalTokens", "count"],
  ["page-size", "pageTokens", "count"],
  ["cuda-graph-max-bs", "graphMaxBatch", "count", ["cuda-graph-max-bs-decode"]],
  ["disable-cuda-graph", "disableCudaGraph", "switch", ["disable-decode-cuda-graph"]],
  ["disable-piecewise-cuda-graph", "disablePrefillGraphs", "switch", ["disable-prefill-cuda-graph"]],
  ["disable-radix-cache", "disableRadixCache", "switch"],
  ["swa-full-tokens-ratio", "swaFullTokensRatio", "share"],
  ["max-mamba-cache-size", "stateSlots", "count"],
  ["mamba-full-memory-ratio", "stateShare", "ratio"],
  ["mamba-ssm-dtype", "stateFormat", ["float32", "bfloat16", "float16"]],
  ["prompt-tokens", "promptTokens", "count"],
  ["attn-implementation", "attention", ATTENTION_IMPLEMENTATIONS],
  ["cache-implementation", "cache", ["dynamic", "static"]],
];

/** Flags of engines that have an option of their own here. */
const OPTIONS_HERE: ReadonlyMap<string, string> = new Map([
  ["np", "--batch"],
  ["parallel", "--batch"],
  ["c", "--context"],
  ["ctx-size", "--context"],
  ["max-model-len", "--context"],
  ["context-length", "--context"],
  ["ctk", "--kv-dtype keys/values"],
  ["ctv", "--kv-dtype keys/values"],
  ["cache-type-k", "--kv-dtype keys/values"],
  ["cache-type-v", "--kv-dtype keys/values"],
  ["kv-cache-dtype", "--kv-dtype"],
  ["quantization", "--dtype"],
  ["tensor-parallel-size", "--tp"],
  ["tp-size", "--tp"],
  ["pipeline-parallel-size", "--pp"],
  ["data-parallel-size", "--dp"],
  ["enable-expert-parallel", "--ep ranks"],
  ["tp", "--tp"],
  ["pp", "--pp"],
  ["dp", "--dp"],
  ["ep", "--ep"],
  ["pp-size", "--pp"],
  ["dp-size", "--dp"],
  ["expert-parallel-size", "--ep"],
  ["enable-dp-attention", "--dp ranks --ep ranks (attention in each rank, experts spread over them)"],
  ["speculative-algorithm", "--mtp or --draft model"],
  ["speculative-draft-model-path", "--draft"],
  ["dtype", "--dtype"],
  ["lora-paths", "--lora r=16,n=8"],
  ["ep-size", "--ep"],
  ["md", "--draft"],
  ["imatrix", "--dtype q4_k_m-imatrix"],
  ["model-draft", "--draft"],
]);

/** The flags that `--set` takes, for completion. */
export const settingNames = (): readonly string[] => SETTINGS.map(([flag]) => flag);

/**
 * A sentence of the core with the engine's own names for what it calls by its own.
 *
 * @example withFlagNames("gpuLayers for vllm") // "ngl for vllm"
 */
export const withFlagNames = (sentence: string): string =>
  sentence.replace(/[A-Za-z]+/g, (word) => SETTINGS.find(([, field]) => field === word)?.[0] ?? word);

/** The sentence of an error: one about flags of an engine has them by their names there, as they were typed. */
export const spokenMessage = (error: Error): string =>
  error instanceof VramCalcError &&
  error.code === "bad-option" &&
  "option" in error.details &&
  error.details.option === "--set" &&
  // What was typed stands in quotes.
  !("given" in error.details && String(error.details.given).startsWith('"'))
    ? withFlagNames(error.message)
    : error.message;

const settingOf = (flag: string): (typeof SETTINGS)[number] | undefined =>
  SETTINGS.find(([name, , , spellings]) => name === flag || spellings?.includes(flag));

/**
 * What to type here for a flag of an engine, with its value where that is one, or nothing for a word that no engine has.
 *
 * @example hereFor("ngl") // "--set ngl=20"
 * @example hereFor("page-size", "64") // "--set page-size=64"
 */
export function hereFor(flag: string, value?: string): string | undefined {
  const setting = settingOf(flag);
  if (setting === undefined) return OPTIONS_HERE.get(flag);
  const [name, , kind] = setting;
  if (kind === "switch") return `--set ${name}`;
  const read = readValue(value, kind) !== undefined;
  return `--set ${read ? `${name}=${value}` : exampleOf(name, kind)}`;
}

/**
 * Reads `--set ngl=20,fa=off`: the engine's own flags.
 *
 * @throws bad-option, unknown-name for a name or value that no engine has
 */
export function parseSettings(text: string, before: EngineSettings = {}): EngineSettings {
  const settings: Record<string, number | boolean | string | readonly number[]> = { ...before };
  for (const entry of withSlashes(text).split(",")) {
    const [typed = "", value] = entry.split("=").map((part) => part.trim());
    const flag = typed.replace(/^-+/, "");
    const known = settingOf(flag);
    if (known === undefined) throw unknownSetting(flag, value);
    const [name, field, kind] = known;
    const read = readValue(isSwitch(kind) ? (value ?? "on") : value, kind);
    if (read === undefined)
      throw new VramCalcError("bad-option", {
        option: `--set ${flag}`,
        given: value === undefined ? "no value" : `"${value}"`,
        expected: `${meaningOf(kind)}: ${exampleOf(name, kind)}`,
      });
    settings[field] = read;
  }
  return settings;
}

/** llama.cpp's own spelling of a list has commas, which part settings here: "ts=3,1" is "ts=3/1". */
const withSlashes = (text: string): string =>
  text.replace(/\b(ts|tensor-split)=[\d.]+(,[\d.]+)+(?=,|$)/g, (list) => list.replaceAll(",", "/"));

function unknownSetting(flag: string, value: string | undefined): VramCalcError {
  const here = OPTIONS_HERE.get(flag);
  if (here !== undefined)
    return new VramCalcError("bad-option", {
      option: "--set",
      given: `"${flag}"`,
      expected: `${here}${value === undefined || here.includes(" ") ? "" : ` ${value}`}, an option of its own here`,
    });
  return new VramCalcError("unknown-name", {
    kind: "flag in --set",
    name: flag.slice(0, 60),
    nearest: nearestNames(flag.slice(0, 60), [
      ...SETTINGS.flatMap(([name, , , spellings = []]) => [name, ...spellings]),
    ]),
    hint: `engines have ${SETTINGS.map(([name]) => name).join(", ")}`,
  });
}
