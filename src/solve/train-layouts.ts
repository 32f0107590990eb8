/** Which parallel layouts a training run may take, the one that talks least first. */
import type { Architecture } from "../architecture/model.ts";
import { frameworkOf } from "../estimate/train-names.ts";
import type { Framework, ParallelRequest, TrainRequest } from "../estimate/train-request.ts";
import { languageModel, mostChunks } from "../estimate/train-stages.ts";
import { pipelineLayers } from "../parallelism/layer-range.ts";
import { isLegal, NODE_DEVICES } from "../parallelism/layout-over-devices.ts";
import { legalTp } from "./devices.ts";

type Sharding = NonNullable<ParallelRequest["sharding"]>;

/** Degrees that divide the model. Data parallelism is left to the search. */
export interface TrainDegrees {
  readonly tp: number;
  readonly pp: number;
  readonly cp: number;
  readonly ep: number;
}

/** Context parallelism leaves each rank at least this many tokens: under it, sending keys takes longest. */
const LEAST_TOKENS_PER_RANK = 4096;
/** Ranks over which experts are spread at most: beyond eight servers, exchanges outlast the products. */
const MOST_EXPERT_RANKS = 64;

const powersOfTwo = (most: number): number[] => {
  const found: number[] = [];
  for (let n = 1; n <= most; n *= 2) found.push(n);
  return found;
};

/**
 * Every combination of degrees that divides the model, by how much the ranks have to say to each other:
 * pipelines last, then tensor parallelism, then context and experts. A degree that the request gives is kept.
 *
 *     tp   divisors of the query heads within one server of 8
 *     pp   powers of two up to the layers
 *     cp   powers of two while each rank keeps 4096 tokens
 *     ep   powers of two that divide the experts, up to 64
 */
export function trainDegrees(
  model: Architecture,
  request: TrainRequest,
  mostDevices: number,
): readonly TrainDegrees[] {
  const text = languageModel(model);
  const given = request.parallel ?? {};
  const tokens = request.seqTokens ?? 0;
  const tps = given.tp === undefined ? legalTp(text, NODE_DEVICES) : [given.tp];
  const chunks = given.schedule === "interleaved" ? (given.virtualStages ?? 1) : 1;
  const pps =
    given.pp === undefined
      ? powersOfTwo(pipelineLayers(text)).filter((pp) => pp === 1 || chunks <= mostChunks(text, pp))
      : [given.pp];
  const cps = given.cp === undefined ? powersOfTwo(tokens / LEAST_TOKENS_PER_RANK) : [given.cp];
  const eps = given.ep === undefined ? expertDegrees(text) : [given.ep];
  const found: TrainDegrees[] = [];
  for (const pp of pps)
    for (const tp of tps)
      for (const cp of cps.length === 0 ? [1] : cps)
        for (const ep of eps) {
          if (tp * pp * cp > mostDevices || ep > mostDevices / pp) continue;
          if (isLegal(text, { tp, pp, ep, dp: ep })) found.push({ tp, pp, cp, ep });
        }
  return found;
}

function expertDegrees(model: Architecture): readonly number[] {
  let experts = 1;
  for (const { kinds } of model.stacks)
    for (const { feedForward } of kinds)
      if (feedForward.kind === "experts") experts = Math.max(experts, feedForward.experts);
  return powersOfTwo(Math.min(experts, MOST_EXPERT_RANKS)).filter((ep) => experts % ep === 0);
}

/** How each framework shares model states between data-parallel ranks, the least traffic first. */
const SHARDINGS: { readonly [F in Framework]: readonly Sharding[] } = {
  hf: ["ddp", "zero2", "fsdp2"],
  unsloth: ["ddp"],
  torchtune: ["ddp", "fsdp2"],
  litgpt: ["ddp", "fsdp"],
  fsdp: ["fsdp2"],
  deepspeed: ["zero1", "zero2", "zero3"],
  megatron: ["ddp", "zero1"],
};

/**
 * Schemes to try for a number of data-parallel ranks. Under a pipeline DeepSpeed divides no more than optimizer
 * states (`runtime/pipe/engine.py` refuses ZeRO-2 and 3), so ZeRO-2 stands in as ZeRO-1 there.
 */
export function shardingsOf(
  request: TrainRequest,
  at: { readonly pp: number; readonly ranks: number },
): readonly Sharding[] {
  const given = request.parallel?.sharding;
  if (given !== undefined) return [given];
  if (at.ranks === 1) return ["none"];
  const schemes = SHARDINGS[frameworkOf(request.framework ?? "hf")];
  const stepped = request.optimizerInBackward === true;
  const usual = stepped ? schemes.filter((name) => !name.startsWith("zero")) : schemes;
  if (at.pp === 1) return usual;
  return [...new Set(usual.map((name) => (name === "zero2" ? "zero1" : name)))].filter(
    (name) => name !== "zero3",
  );
}

/** Checkpointing to try: none, and full or what the framework does by itself, unless the request says. */
export function checkpointingsOf(
  request: TrainRequest,
): readonly NonNullable<TrainRequest["checkpointing"]>[] {
  if (request.checkpointing !== undefined) return [request.checkpointing];
  return ["none", frameworkOf(request.framework ?? "hf") === "unsloth" ? "offload" : "full"];
}
