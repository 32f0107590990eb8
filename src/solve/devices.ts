/** How many cards: legal degrees of parallelism, tried in order of the cards that they take. */

import type { Architecture } from "../architecture/model.ts";
import { readsText } from "../architecture/stack.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { VramCalcError } from "../errors.ts";
import { estimate } from "../estimate/estimate.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import { type Degrees, SINGLE_DEVICE, worldSize } from "../parallelism/degrees.ts";
import { pipelineLayers } from "../parallelism/layer-range.ts";
import { isLegal, NODE_DEVICES } from "../parallelism/layout-over-devices.ts";
import { heaviestWeights } from "./formats.ts";
import { headroomOf } from "./headroom.ts";
import type { SolveInput } from "./inverse.ts";

/** Devices that are searched unless fewer are asked for. */
export const MOST_DEVICES = 4096;

/** Degrees tried, with what the worst device then needs. */
export interface DevicesAnswer extends Degrees {
  readonly devices: number;
  readonly bytes: number;
  readonly headroom: number;
}

/** The answer and the closest that was tried with fewer devices. */
export interface FewestDevices {
  readonly answer: DevicesAnswer | null;
  /** Of the layouts with fewer devices (or of all, when there is no answer) the one that lacks least. */
  readonly closest: DevicesAnswer | null;
}

/**
 * Tensor degrees that the model divides by, ascending: divisors of its query heads, powers of two where no
 * layer has any.
 *
 * @example legalTp(llama_3_1_8b, 64) // [1, 2, 4, 8, 16, 32]
 */
export function legalTp(model: Architecture, most: number): readonly number[] {
  let heads = 0;
  for (const { role, kinds } of model.stacks)
    for (const { mixers } of readsText(role) ? kinds : [])
      for (const mixer of mixers) if ("queryHeads" in mixer) heads = Math.max(heads, mixer.queryHeads);
  const found: number[] = [];
  for (let tp = 1; tp <= Math.min(most, heads === 0 ? 128 : heads); tp++) {
    const candidate = heads === 0 ? Number.isInteger(Math.log2(tp)) : heads % tp === 0;
    if (candidate && isLegal(model, { tp, pp: 1, ep: 1, dp: 1 })) found.push(tp);
  }
  return found;
}

/**
 * The fewest devices that hold the request, over all legal pairs of tensor and pipeline degrees; `ep` and `dp`
 * stay as given, and so does a degree that is. Of layouts with equally many devices the first that fits wins:
 * tensor parallelism within one server of 8, then pipelines.
 *
 * llama.cpp divides by layers, so there the pairs are (1, n).
 */
export function fewestDevices(input: SolveInput & { readonly mostDevices?: number }): FewestDevices {
  const { model, options, mostDevices = MOST_DEVICES } = input;
  if (options.engineOptions?.tensorSplit !== undefined) {
    throw new VramCalcError("bad-option", {
      option: "--solve",
      given: "gpus with a tensor-split",
      expected: "one of the two: a split says how many devices there are",
    });
  }
  const layouts = servingLayouts(model, options, mostDevices);
  // A device never holds less than an even part of the weights.
  const whole = weightsOnOne(model, options);
  let closest: DevicesAnswer | null = null;
  for (const layout of layouts) {
    if (whole / (layout.tp * layout.pp * layout.ep) > input.budgetBytes) continue;
    const tried = tryDegrees(input, layout);
    if (tried.headroom >= 0) return { answer: tried, closest };
    if (closest === null || tried.headroom >= closest.headroom) closest = tried;
  }
  return { answer: null, closest };
}

/** The smallest legal tensor degree that holds the request; every other degree stays as given. */
export function smallestTp(input: SolveInput & { readonly mostDevices?: number }): FewestDevices {
  const { model, options, mostDevices = MOST_DEVICES } = input;
  if (runtimeOf(options.engine) === "llama.cpp") {
    throw new VramCalcError("bad-option", {
      option: "--solve",
      given: "tp for llama.cpp",
      expected: "gpus: llama.cpp divides whole layers over its devices",
    });
  }
  const { pp = 1, ep = 1, dp = 1 } = options;
  let closest: DevicesAnswer | null = null;
  for (const tp of legalTp(model, Math.floor(mostDevices / (pp * dp)))) {
    if (!isLegal(model, { tp, pp, ep, dp })) continue;
    const tried = tryDegrees(input, { tp, pp, ep, dp });
    if (tried.headroom >= 0) return { answer: tried, closest };
    closest = tried;
  }
  return { answer: null, closest };
}

/** Every legal layout, fewest devices first. */
export function servingLayouts(
  model: Architecture,
  options: Pick<EstimateOptions, "engine" | "tp" | "pp" | "ep" | "dp">,
  mostDevices: number,
): readonly Degrees[] {
  const { ep = 1, dp = 1 } = options;
  const most = Math.floor(mostDevices / dp);
  const byLayers = runtimeOf(options.engine) === "llama.cpp";
  const tps = options.tp === undefined ? (byLayers ? [1] : legalTp(model, most)) : [options.tp];
  const layers = pipelineLayers(model);
  const layouts: Degrees[] = [];
  for (const tp of tps) {
    const last = options.pp ?? Math.min(layers, Math.floor(most / tp));
    for (let pp = options.pp ?? 1; pp <= last && tp * pp <= most; pp++)
      if (isLegal(model, { tp, pp, ep, dp })) layouts.push({ tp, pp, ep, dp });
  }
  const beyondNode = ({ tp }: Degrees): number => Number(tp > NODE_DEVICES);
  return layouts.sort((a, b) => a.tp * a.pp - b.tp * b.pp || beyondNode(a) - beyondNode(b) || a.pp - b.pp);
}

function tryDegrees({ model, options, budgetBytes }: SolveInput, degrees: Degrees): DevicesAnswer {
  const result = estimate(model, { ...options, ...degrees });
  return {
    devices: worldSize(degrees),
    ...degrees,
    bytes: result.total.bytes,
    headroom: headroomOf(result, budgetBytes),
  };
}

function weightsOnOne(model: Architecture, options: EstimateOptions): number {
  return heaviestWeights(estimate(model, { ...options, ...SINGLE_DEVICE }));
}
