/** What would make a request fit: single changes, each evaluated by the forward estimate. */

import type { Architecture } from "../architecture/model.ts";
import { hasExperts } from "../architecture/stack.ts";
import { checkBytes } from "../budget.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { withDegrees } from "../estimate/degrees.ts";
import { estimate } from "../estimate/estimate.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import type { EstimateResult } from "../estimate/serve.ts";
import { pipelineLayers } from "../parallelism/layer-range.ts";
import { NODE_DEVICES } from "../parallelism/layout-over-devices.ts";
import { type Bytes, groupDigits } from "../units.ts";
import { fewestDevices, MOST_DEVICES, smallestTp } from "./devices.ts";
import { cacheFormatsOf, heaviestWeights, weightFormatsOf } from "./formats.ts";
import { headroomOf } from "./headroom.ts";
import { batchLimit, longestContext, type SolveInput } from "./inverse.ts";
import { largestThatFits } from "./search.ts";

/**
 * Kinds of change, the gentlest first: what costs no quality and no card, then quality in small steps, then
 * cards, then speed, then quality in large steps.
 */
const CHANGES = [
  "kv-dtype",
  "batch",
  "context",
  "dtype",
  "gpus",
  "cpu-experts",
  "gpu-layers",
  "harsh-dtype",
] as const;

export interface Advice {
  /** Stable name of the kind of change; `harsh-dtype` is a format below 4 bits per weight. */
  readonly change: (typeof CHANGES)[number];
  /** In words, with the flag to type. */
  readonly text: string;
  readonly options: EstimateOptions;
  /** Expected total of the worst device after the change. */
  readonly bytes: Bytes;
  /** What it frees there. */
  readonly frees: Bytes;
  readonly fits: boolean;
}

/** Below this many bits per weight answers get visibly worse. */
const HARSH_BITS = 4;
/** Advice stays within one rack; `--solve gpus` looks further. */
const MOST_ADVISED = 64;

/**
 * Changes that free memory, those that are enough first, and among them the gentlest first.
 *
 * @param without kinds of change not to consider, because the question is about them
 * @returns at most one change of each kind: the smallest that is enough, or else the strongest
 * @example advise(llama_3_1_8b, { contextTokens: 131_072 }, 24e9)[0].fits // true
 */
export function advise(
  model: Architecture,
  asked: EstimateOptions,
  budgetBytes: Bytes,
  without: readonly Advice["change"][] = [],
): readonly Advice[] {
  checkBytes("budgetBytes", budgetBytes);
  const options = withDegrees(model, asked);
  const now = estimate(model, options);
  const found: Advice[] = [];
  const consider = (change: Advice["change"], text: string, next: Partial<EstimateOptions>): Advice => {
    const changed = { ...options, ...next };
    const result = estimate(model, changed);
    const { bytes } = result.total;
    const fits = headroomOf(result, budgetBytes) >= 0;
    return { change, text, options: changed, bytes, frees: now.total.bytes - bytes, fits };
  };
  /** Candidates in the order of how much they change. */
  const best = (candidates: readonly Advice[]): void => {
    const useful = candidates.filter(({ frees, change }) => frees > 0 && !without.includes(change));
    const chosen = useful.find(({ fits }) => fits) ?? useful.at(-1);
    if (chosen !== undefined) found.push(chosen);
  };
  const input: SolveInput = { model, options, budgetBytes };
  const weightsNow = heaviestWeights(now);
  best(
    cacheFormatsOf(options.engine)
      .filter((format) => format !== options.kvDtype)
      .map((kvDtype) => consider("kv-dtype", `--kv-dtype ${kvDtype}`, { kvDtype })),
  );
  best(fewerSequences(input, now).map((batch) => consider("batch", `--batch ${batch}`, { batch })));
  best(
    shorterContexts(input, now).map((contextTokens) =>
      consider("context", `--context ${contextTokens} (${groupDigits(contextTokens)} tokens)`, {
        contextTokens,
      }),
    ),
  );
  const smaller = weightFormatsOf(options.engine)
    .map((dtype) => {
      const weights = estimate(model, { dtype, weightsOnly: true }).total.bytes;
      const harsh = (weights * 8) / model.parameters.total < HARSH_BITS;
      return consider(harsh ? "harsh-dtype" : "dtype", `--dtype ${dtype}`, { dtype });
    })
    .filter((advice) => heaviestWeights(estimate(model, advice.options)) < weightsNow)
    .sort((a, b) => b.bytes - a.bytes);
  best(smaller.filter(({ change }) => change === "dtype"));
  if (!found.some(({ change, fits }) => change === "dtype" && fits))
    best(smaller.filter(({ change }) => change === "harsh-dtype"));
  if (!without.includes("gpus")) best(moreDevices(input, consider));
  if (runtimeOf(options.engine) === "llama.cpp") {
    best(expertsOnCpu(input).map((count) => consider("cpu-experts", ...expertsText(options, count))));
    best(layersOnCpu(input).map((count) => consider("gpu-layers", ...layersText(input, count))));
  }
  return found.sort(
    (a, b) => Number(b.fits) - Number(a.fits) || CHANGES.indexOf(a.change) - CHANGES.indexOf(b.change),
  );
}

function fewerSequences({ model, options, budgetBytes }: SolveInput, now: EstimateResult): readonly number[] {
  const { batch } = now.request;
  if (batch === null || batch <= 1) return [];
  const most = largestThatFits({
    limit: Math.min(batch - 1, batchLimit(options)),
    headroom: (n) => headroomOf(estimate(model, { ...options, batch: n }), budgetBytes),
  });
  return [Math.max(1, most)];
}

function shorterContexts(input: SolveInput, now: EstimateResult): readonly number[] {
  const { context } = now.request;
  if (context === null || context <= 1) return [];
  const longest = longestContext(input);
  return [longest > 0 && longest < context ? longest : Math.max(1, Math.floor(context / 2))];
}

type Consider = (change: Advice["change"], text: string, next: Partial<EstimateOptions>) => Advice;

/** More ranks of the degree that is in use, tensor parallelism by default. */
function moreDevices(input: SolveInput, consider: Consider): readonly Advice[] {
  const { options } = input;
  const { tp = 1, pp = 1, ep, dp = 1, ...rest } = options;
  if (rest.engineOptions?.tensorSplit !== undefined) return [];
  const byLayers = runtimeOf(options.engine) === "llama.cpp";
  const mostDevices = Math.min(MOST_DEVICES, MOST_ADVISED * dp);
  const widened = { ...rest, ...(ep === undefined ? {} : { ep }), dp };
  const answer =
    (byLayers || pp > 1 ? null : smallestTp({ ...input, mostDevices: NODE_DEVICES * dp }).answer) ??
    fewestDevices({ ...input, options: widened, mostDevices }).answer;
  if (answer === null || answer.tp * answer.pp <= tp * pp) return [];
  const flags = [
    ...(answer.tp > 1 ? [`--tp ${answer.tp}`] : []),
    ...(answer.pp > 1 ? [`--pp ${answer.pp}`] : []),
  ].join(" ");
  return [
    consider("gpus", `${flags} (${groupDigits(answer.devices)} devices)`, { tp: answer.tp, pp: answer.pp }),
  ];
}

/** Fewest layers whose routed experts go to the CPU; every layer when that is not enough. */
function expertsOnCpu({ model, options, budgetBytes }: SolveInput): readonly number[] {
  if (!hasExperts(model)) return [];
  const layers = pipelineLayers(model);
  const kept = largestThatFits({
    limit: layers,
    headroom: (n) =>
      headroomOf(estimate(model, withEngine(options, { cpuExpertLayers: layers - n })), budgetBytes),
  });
  return [layers - kept];
}

/** Most layers that stay on the GPU; one when not even that fits. */
function layersOnCpu({ model, options, budgetBytes }: SolveInput): readonly number[] {
  const kept = largestThatFits({
    limit: pipelineLayers(model),
    headroom: (n) => headroomOf(estimate(model, withEngine(options, { gpuLayers: n })), budgetBytes),
  });
  return [Math.max(1, kept)];
}

const withEngine = (options: EstimateOptions, more: Readonly<Record<string, number>>): EstimateOptions => ({
  ...options,
  engineOptions: { ...options.engineOptions, ...more },
});

function expertsText(options: EstimateOptions, count: number): [string, Partial<EstimateOptions>] {
  return [
    `--set n-cpu-moe=${count} (experts of ${count} layers on the CPU, slower)`,
    withEngine(options, { cpuExpertLayers: count }),
  ];
}

function layersText({ model, options }: SolveInput, count: number): [string, Partial<EstimateOptions>] {
  return [
    `--set ngl=${count} (${count} of ${pipelineLayers(model)} layers on the GPU, slower)`,
    withEngine(options, { gpuLayers: count }),
  ];
}
