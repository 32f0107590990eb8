import { isTower } from "../../architecture/stack.ts";
import { defined } from "../../defined.ts";
import type { Tokens } from "../../units.ts";
import { cacheLayers } from "../cache-layers.ts";
import type { ServingInput } from "../engine.ts";
import { versionRow } from "../versions.ts";
import { type SglangDefaults, sglangDefaults } from "./defaults.ts";
import type { PoolFlags } from "./pool.ts";
import { SGLANG_VERSIONS, type SglangVersion } from "./versions.ts";

/** SGLang's flags, by their names there. */
export interface SglangOptions extends PoolFlags {
  /** `--mem-fraction-static`: part of what is free at the start for weights and pools. Default: by card. */
  readonly memFractionStatic?: number;
  /** `--chunked-prefill-size`. Default: by card; -1 reads prompts whole. */
  readonly chunkedPrefillTokens?: Tokens;
  /** `--cuda-graph-max-bs`: largest batch that is captured. Default: by card. */
  readonly graphMaxBatch?: number;
  /** `--disable-cuda-graph`: no decode graphs. */
  readonly disableCudaGraph?: boolean;
  /** `--disable-piecewise-cuda-graph`, later `--disable-prefill-cuda-graph`: no prefill graphs. */
  readonly disablePrefillGraphs?: boolean;
  /** `--mamba-ssm-dtype`: format of recurrent states. Default float32. */
  readonly stateFormat?: "float32" | "bfloat16" | "float16";
}

export type SglangInput = ServingInput & SglangOptions;

/** What one run has on every stage. */
export interface Setting {
  readonly input: SglangInput;
  readonly version: SglangVersion;
  readonly defaults: SglangDefaults;
  readonly prefillGraphs: boolean;
}

/** The release, what it would set by itself on that card, and the flags, as `checkEngineOptions` lets them through. */
export function settingOf(input: SglangInput): Setting {
  const { card, degrees, chunkedPrefillTokens, graphMaxBatch, model } = input;
  const version = versionRow(SGLANG_VERSIONS, input.version);
  const towers = model.stacks.some(({ role }) => isTower(role));
  const prefillGraphs = version.prefillGraphs && input.disablePrefillGraphs !== true && !towers;
  const defaults = sglangDefaults(card, {
    version,
    degrees,
    graphsOff: { decode: input.disableCudaGraph === true, prefill: !prefillGraphs },
    latent: cacheLayers(model).some(({ mixer }) => mixer.kind === "latent"),
    ...defined({ chunkedPrefillTokens, graphBatch: graphMaxBatch }),
  });
  return { input, version, defaults, prefillGraphs };
}
