/** The flags that say how a model is served, shared by every command that estimates serving. */
import { type Command, Option } from "commander";
import { defined } from "../defined.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import { type ImagesRequest, parseImages } from "../memory/images-request.ts";
import type { LoadedModel } from "../sources/load-model.ts";
import { publishedCacheFormat } from "../sources/published-storage.ts";
import type { Tokens } from "../units.ts";
import type { BesideFlags } from "./beside.ts";
import { type EngineSettings, parseSettings } from "./engine-settings.ts";
import type { Limit } from "./limit.ts";
import { type LoraFlag, parseLora } from "./lora-flag.ts";
import { batchOption, contextOption, dtypeOption, kvDtypeOption, parsed, parsePositive } from "./options.ts";

export interface ServeFlags extends BesideFlags {
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
  /** Of the commands that have it. */
  readonly weightsOnly?: true | undefined;
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
  new Option("--draft <model[:dtype]>", "a second model beside it that proposes tokens"),
  new Option("--mmproj <file>", "image projector of llama.cpp, a GGUF file of its own"),
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
  loaded: Pick<LoadedModel, "stored" | "config">,
  limit: Limit | null,
): EstimateOptions {
  const { dtype, context, batch, kvDtype, engine, tp, pp, ep, dp, lora, set, mtp, images, weightsOnly } =
    flags;
  return defined({
    dtype,
    contextTokens: context,
    batch,
    kvDtype,
    stored: loaded.stored,
    calibratedKv: publishedCacheFormat(loaded.config),
    engine,
    tp,
    pp,
    ep,
    dp,
    lora,
    engineOptions: set,
    mtp: mtp === undefined ? undefined : proposedTokens(set),
    images,
    weightsOnly,
    devices: limit === null || limit.count === 1 ? undefined : limit.count,
    card: limit?.card,
  });
}

/** Tokens that the prediction layers propose: vLLM's own flag says, else one. */
function proposedTokens(set: EngineSettings | undefined): number {
  const { speculativeTokens: tokens } = set ?? {};
  return typeof tokens === "number" && tokens > 0 ? tokens : 1;
}
