/** The fewest devices that hold a training step, and how to lay it out over them. */
import { train } from "../estimate/train.ts";
import type { ParallelRequest, TrainRequest } from "../estimate/train-request.ts";
import { worstOf } from "../memory/term.ts";
import { dividedBy } from "../memory/training/sharding.ts";
import type { Bytes } from "../units.ts";
import { MOST_DEVICES } from "./devices.ts";
import { smallestThatFits } from "./search.ts";
import { checkpointingsOf, shardingsOf, type TrainDegrees, trainDegrees } from "./train-layouts.ts";
import { onCard, type TrainSolveInput } from "./train-search.ts";

/** A layout with what its worst rank takes. */
export interface TrainPlan extends TrainDegrees {
  readonly devices: number;
  readonly dp: number;
  readonly sharding: NonNullable<ParallelRequest["sharding"]>;
  readonly checkpointing: NonNullable<TrainRequest["checkpointing"]>;
  readonly gradAccum: number;
  /** Total of the worst rank. */
  readonly bytes: Bytes;
  readonly headroom: number;
  /** The worst rank: "pp0". */
  readonly rank: string;
  readonly request: TrainRequest;
}

export interface TrainPlans {
  /** Fewest devices first, and of equally many the one that communicates least; at most one per set of degrees. */
  readonly plans: readonly TrainPlan[];
  /** Of the layouts tried in vain the one that lacks least; null when all were ruled out by their weights. */
  readonly closest: TrainPlan | null;
  /** Layouts that were sized. */
  readonly sized: number;
}

export interface PlanInput extends TrainSolveInput {
  /** Exactly so many devices. */
  readonly devices?: number;
  /** At most so many. Default 4096. */
  readonly mostDevices?: number;
  /** Plans to return. Default 8. */
  readonly keep?: number;
}

/**
 * Plans for a training step, by enumeration of the legal degrees; the data-parallel degree of each is the
 * smallest that fits, found by bisection, because more ranks never hold more each.
 *
 * A layout is skipped unsized when an even part of its states is over the limit already:
 *
 *     states not divided / (tp pp ep) + states divided / devices > limit
 *
 * With stages a pipeline is filled: as many micro-batches as stages, unless the request says.
 *
 * @throws bad-option, unknown-name for a request that `train` refuses
 */
export function planTraining(input: PlanInput): TrainPlans {
  const { model, request, keep = 8 } = input;
  const search: Search = { input, states: new Map(), sized: 0, closest: null };
  const mostDevices = input.devices ?? input.mostDevices ?? MOST_DEVICES;
  const plans: TrainPlan[] = [];
  for (const degrees of trainDegrees(model, request, mostDevices)) {
    // Later degrees communicate more: they have to take fewer devices than what is kept already.
    const last = plans.length < keep ? undefined : plans.at(-1)!.devices;
    if (last !== undefined && input.devices !== undefined) break;
    const plan = bestOf(search, degrees, last === undefined ? mostDevices : last - 1);
    if (plan === null) continue;
    const at = plans.findIndex(({ devices }) => devices > plan.devices);
    plans.splice(at < 0 ? plans.length : at, 0, plan);
    if (plans.length > keep) plans.pop();
  }
  return { plans, closest: search.closest, sized: search.sized };
}

interface Search {
  readonly input: PlanInput;
  /** States of the model on one device, by sharding: what is divided, and what is not. */
  readonly states: Map<string, { readonly whole: Bytes; readonly divided: Bytes }>;
  sized: number;
  closest: TrainPlan | null;
}

/** The best layout of these degrees: fewest devices, then the lightest sharding, then no checkpointing. */
function bestOf(search: Search, degrees: TrainDegrees, mostDevices: number): TrainPlan | null {
  const { request, devices } = search.input;
  const checkpointings = checkpointingsOf(request);
  let best: TrainPlan | null = null;
  for (const sharding of shardingsFor(request, degrees)) {
    const bound: number = best === null ? mostDevices : devices === undefined ? best.devices - 1 : 0;
    // The last one recomputes most: it finds the fewest devices, and a lighter one wins where it needs no more.
    let within = bound;
    for (const checkpointing of checkpointings.toReversed()) {
      const plan = fewest(search, { degrees, sharding, checkpointing }, within);
      if (plan === null) continue;
      best = plan;
      within = plan.devices;
    }
  }
  return best;
}

/** Schemes for one rank and for several, the former first. */
function shardingsFor(request: TrainRequest, { pp, cp }: TrainDegrees): readonly TrainPlan["sharding"][] {
  const dp = request.parallel?.dp;
  const alone = cp === 1 && (dp === undefined || dp === 1) ? shardingsOf(request, { pp, ranks: 1 }) : [];
  const several = cp > 1 || dp !== 1 ? shardingsOf(request, { pp, ranks: 2 }) : [];
  return [...new Set([...alone, ...several])];
}

interface Choice {
  readonly degrees: TrainDegrees;
  readonly sharding: TrainPlan["sharding"];
  readonly checkpointing: TrainPlan["checkpointing"];
}

/** The plan with the fewest data-parallel ranks for a choice, within a number of devices. */
function fewest(search: Search, choice: Choice, mostDevices: number): TrainPlan | null {
  const { input } = search;
  const { tp, pp, cp, ep } = choice.degrees;
  const each = tp * pp * cp;
  const { dp: asked, sharding: scheme, dpReplicate = 1 } = input.request.parallel ?? {};
  // Experts lie on whole multiples of their ranks, in each of the groups that hold the states once.
  const unit = (ep / greatestCommonDivisor(ep, tp * cp)) * dpReplicate;
  const alone = scheme === undefined && choice.sharding === "none";
  const least = alone || cp > 1 || scheme !== undefined ? 1 : 2;
  const most = Math.min(alone ? 1 : mostDevices, Math.floor(mostDevices / each));
  const given = input.devices === undefined ? asked : input.devices / each;
  if (given !== undefined && (!Number.isInteger(given) || (asked !== undefined && asked !== given)))
    return null;
  const from = Math.max(least, given ?? 1);
  const to = Math.min(most, given ?? most);
  let found: TrainPlan | null = null;
  const steps = smallestThatFits({
    from: Math.ceil(from / unit),
    to: Math.floor(to / unit),
    fits: (step) => {
      const plan = sizedPlan(search, choice, step * unit);
      if (plan === null || plan.headroom < 0) return false;
      found = plan;
      return true;
    },
  });
  return steps === null ? null : found;
}

/** The layout with its size, or null when its states alone are over the limit. */
function sizedPlan(
  search: Search,
  { degrees, sharding, checkpointing }: Choice,
  dp: number,
): TrainPlan | null {
  const { model, request, budgetBytes } = search.input;
  const { tp, pp, cp, ep } = degrees;
  const devices = tp * pp * cp * dp;
  const states = statesOf(search, sharding);
  const { dpReplicate = 1 } = request.parallel ?? {};
  if (states.whole / (tp * pp * ep) + (states.divided * dpReplicate) / devices > budgetBytes) return null;
  const gradAccum = request.gradAccum ?? (request.optimizerInBackward === true ? 1 : pp);
  const planned: TrainRequest = {
    ...onCard({ request, budgetBytes }),
    checkpointing,
    gradAccum,
    parallel: { ...request.parallel, tp, pp, cp, ep, dp, sharding },
  };
  const result = train(model, planned);
  search.sized++;
  const worst = worstOf(result.devices);
  const { bytes } = worst.total;
  const headroom = budgetBytes - bytes;
  const plan = { ...degrees, devices, dp, sharding, checkpointing, gradAccum, bytes, headroom };
  const complete: TrainPlan = { ...plan, rank: worst.id, request: planned };
  if (headroom < 0 && (search.closest === null || bytes < search.closest.bytes)) search.closest = complete;
  return complete;
}

const STATES = ["weights", "adapters", "master-weights", "gradients", "optimizer"];

/** States during the optimizer's step on one device: every layout divides them, and none has less in all. */
function statesOf(search: Search, sharding: TrainPlan["sharding"]): { whole: Bytes; divided: Bytes } {
  let states = search.states.get(sharding);
  if (states === undefined) {
    const { model, request } = search.input;
    const { offloadOptimizer, offloadWeights } = request.parallel ?? {};
    const alone = train(model, {
      ...request,
      seqTokens: 1,
      microBatch: 1,
      parallel: {
        sharding,
        ...(offloadOptimizer === undefined ? {} : { offloadOptimizer }),
        ...(offloadWeights === undefined ? {} : { offloadWeights }),
      },
    });
    const divides = dividedStates(sharding);
    let whole = 0;
    let divided = 0;
    const step = alone.devices[0]!.phases.find(({ phase }) => phase === "optimizer-step");
    for (const { id, bytes } of step?.terms ?? []) {
      if (!STATES.includes(id)) continue;
      if (divides.includes(id)) divided += bytes;
      else whole += bytes;
    }
    states = { whole, divided };
    search.states.set(sharding, states);
  }
  return states;
}

function dividedStates(sharding: TrainPlan["sharding"]): readonly string[] {
  const { weights, gradients, optimizer } = dividedBy(sharding);
  return [
    ...(optimizer ? ["master-weights", "optimizer"] : []),
    ...(gradients ? ["gradients"] : []),
    ...(weights ? ["weights", "adapters"] : []),
  ];
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
