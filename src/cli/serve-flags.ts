/** The flags that say how a model is served, shared by every command that estimates serving. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { EstimateOptions } from "../estimate/prepare.ts";
import { type ImagesRequest, parseImages } from "../memory/images-request.ts";
import type { LoadedModel } from "../sources/load-model.ts";
import type { Tokens } from "../units.ts";
import type { Limit } from "./limit.ts";
import { type LoraFlag, parseLora } from "./lora-flag.ts";
import { batchOption, contextOption, dtypeOption, kvDtypeOption, parsed, parsePositive } from "./options.ts";

export interface ServeFlags {
  readonly context?: Tokens | undefined;
  readonly batch?: number | undefined;
  readonly dtype?: string | undefined;
  readonly kvDtype?: string | undefined;
  readonly engine?: string | undefined;
  readonly tp?: number | undefined;
  readonly pp?: number | undefined;
  readonly ep?: number | undefined;
  readonly dp?: number | undefined;
  readonly lora?: LoraFlag | undefined;
  readonly set?: EngineSettings | undefined;
  readonly mtp?: true | undefined;
  readonly images?: ImagesRequest | undefined;
}

export type EngineSettings = Readonly<Record<string, number | boolean | string | readonly number[]>>;

/** A list of words names the values that a flag takes. */
type SettingKind = "share" | "count" | "switch" | "list" | readonly string[];

/** What `--set` may hold: flag of the engine, its name in the core, and what it is. */
const SETTINGS: readonly (readonly [flag: string, name: string, kind: SettingKind])[] = [
  ["gpu-memory-utilization", "gpuMemoryUtilization", "share"],
  ["max-num-seqs", "maxNumSeqs", "count"],
  ["max-num-batched-tokens", "maxBatchedTokens", "count"],
  ["block-size", "blockTokens", "count"],
  ["enforce-eager", "enforceEager", "switch"],
  ["mem-fraction-static", "memFractionStatic", "share"],
  ["ngl", "gpuLayers", "count"],
  ["n-cpu-moe", "cpuExpertLayers", "count"],
  ["tensor-split", "tensorSplit", "list"],
  ["fa", "flashAttention", "switch"],
  ["ub", "ubatchTokens", "count"],
  ["kv-unified", "unified", "switch"],
  ["swa-full", "swaFull", "switch"],
  ["mmproj", "projector", "switch"],
  ["chunked-prefill-size", "chunkedPrefillTokens", "count"],
  ["disable-radix-cache", "disableRadixCache", "switch"],
  ["prompt-tokens", "promptTokens", "count"],
  ["attn-implementation", "attention", ["flash", "sdpa", "eager"]],
  ["cache-implementation", "cache", ["dynamic", "static"]],
];

/**
 * Reads `--set ngl=20,fa=off`: the engine's own flags.
 *
 * @throws InvalidArgumentError for a name or value that no engine has
 */
export function parseSettings(text: string, before: EngineSettings = {}): EngineSettings {
  const settings: Record<string, number | boolean | string | readonly number[]> = { ...before };
  for (const entry of text.split(",")) {
    const [flag = "", value = "on"] = entry.split("=").map((part) => part.trim());
    const known = SETTINGS.find(([name]) => name === flag.replace(/^-+/, ""));
    if (known === undefined)
      throw new InvalidArgumentError(`engines have ${SETTINGS.map(([name]) => name).join(", ")}.`);
    settings[known[1]] = settingOf(value, known[2]);
  }
  return settings;
}

function settingOf(value: string, kind: SettingKind): number | boolean | string | readonly number[] {
  const number = Number(value);
  if (typeof kind !== "string") {
    if (kind.includes(value)) return value;
    throw new InvalidArgumentError(`${value} is none of ${kind.join(", ")}.`);
  }
  switch (kind) {
    case "share":
      if (number > 0 && number <= 1) return number;
      throw new InvalidArgumentError(`${value} is not between 0 and 1.`);
    case "count":
      if (Number.isSafeInteger(number) && number >= 0) return number;
      throw new InvalidArgumentError(`${value} is not a whole number.`);
    case "switch":
      if (/^(on|true|1|yes)$/.test(value)) return true;
      if (/^(off|false|0|no)$/.test(value)) return false;
      throw new InvalidArgumentError(`${value} is neither on nor off.`);
    case "list": {
      const parts = value.split("/").map(Number);
      if (parts.length <= 64 && parts.every((part) => part >= 0 && Number.isFinite(part))) return parts;
      throw new InvalidArgumentError(`${value} is not a list such as 3/1.`);
    }
  }
}

/** The flags, for a command to add. */
export const serveOptions = (): readonly Option[] => [
  dtypeOption(),
  contextOption(),
  batchOption(),
  kvDtypeOption(),
  new Option(
    "--engine <name>",
    "generic (default), vllm, sglang, transformers or llama.cpp; vllm@0.19 at a version",
  ),
  new Option("--tp <n>", "tensor-parallel ranks").argParser(parsePositive),
  new Option("--pp <n>", "pipeline stages").argParser(parsePositive),
  new Option("--ep <n>", "expert-parallel ranks").argParser(parsePositive),
  new Option("--dp <n>", "replicas").argParser(parsePositive),
  new Option("--lora <r=N,n=M>", "adapters served beside the base: r=16,n=8").argParser(parseLora),
  new Option("--mtp", "load the prediction layers, to propose tokens with"),
  new Option("--images <n[@WxH]>", "images in each prompt, of that size: 2@1280x720").argParser(
    parsed(parseImages),
  ),
  new Option(
    "--set <flag=value,...>",
    "flags of the engine: gpu-memory-utilization=0.95, ngl=20, fa=off",
  ).argParser(parseSettings),
];

/** Adds the flags to a command. */
export function addServeOptions(command: Command): Command {
  for (const option of serveOptions()) command.addOption(option);
  return command;
}

/** The flags as options of the core, with what the model's files and the card say. */
export function estimateOptionsOf(
  flags: ServeFlags,
  loaded: Pick<LoadedModel, "stored">,
  limit: Limit | null,
): EstimateOptions {
  const { dtype, context, batch, kvDtype, engine, tp, pp, ep, dp, lora, set } = flags;
  return {
    ...(dtype === undefined ? {} : { dtype }),
    ...(context === undefined ? {} : { contextTokens: context }),
    ...(batch === undefined ? {} : { batch }),
    ...(kvDtype === undefined ? {} : { kvDtype }),
    ...(loaded.stored === undefined ? {} : { stored: loaded.stored }),
    ...(engine === undefined ? {} : { engine }),
    ...(tp === undefined ? {} : { tp }),
    ...(pp === undefined ? {} : { pp }),
    ...(ep === undefined ? {} : { ep }),
    ...(dp === undefined ? {} : { dp }),
    ...(lora === undefined ? {} : { lora }),
    ...(set === undefined ? {} : { engineOptions: set }),
    ...(flags.mtp === undefined ? {} : { mtp: 1 }),
    ...(flags.images === undefined ? {} : { images: flags.images }),
    ...(limit === null || limit.count === 1 ? {} : { devices: limit.count }),
    ...(limit?.gpu === undefined
      ? {}
      : {
          card: {
            totalBytes: limit.bytes,
            ...(limit.generation === undefined ? {} : { generation: limit.generation }),
          },
        }),
  };
}
