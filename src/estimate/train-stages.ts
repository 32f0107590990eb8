/** The different devices of a training run: pipeline stages, each with its part of the model. */
import type { Architecture, LayerKind, Run, Stack, Tensor } from "../architecture/model.ts";
import { countParameters } from "../architecture/parameters.ts";
import { inTower, layerCount, readsText } from "../architecture/stack.ts";
import { VramCalcError } from "../errors.ts";
import { withExpertModules } from "../memory/training/expert-modules.ts";
import { checkDegrees } from "../parallelism/degrees.ts";
import { dividedStack, pipelineLayers } from "../parallelism/layer-range.ts";
import { deviceShares, sameParts } from "../parallelism/share.ts";
import { onceFor } from "../remember.ts";
import { type EffectiveTrain, shardRanks } from "./effective-train.ts";
import { classesOf } from "./train-defaults.ts";

export interface Stage {
  readonly id: string;
  /** Devices that hold exactly this. */
  readonly count: number;
  /** Position in the pipeline, from 0, and stages in all. */
  readonly stage: number;
  readonly stages: number;
  readonly share: Architecture;
  readonly ends: { readonly input: boolean; readonly output: boolean };
  /** Weights that train when the method is `freeze`. */
  readonly unfrozen?: ReadonlySet<Tensor>;
}

/**
 * Parts of what a step loads (`loadedPart`), one per pipeline stage: equal ones are one object, so that what is known of
 * one serves all.
 *
 * @throws bad-option for degrees that do not divide the model
 */
export function trainStages(model: Architecture, effective: EffectiveTrain): readonly Stage[] {
  const { tp, pp, ep, dp, cp, dpReplicate } = effective.parallel;
  const expertRanks = tp * shardRanks(effective.parallel);
  if (expertRanks % ep !== 0) {
    throw new VramCalcError("bad-option", {
      option: "--ep",
      given: String(ep),
      expected: `a divisor of the tp ${tp} x dp ${dp} x cp ${cp}${dpReplicate > 1 ? ` / dp-replicate ${dpReplicate}` : ""} = ${expertRanks} ranks of a stage`,
    });
  }
  checkDegrees(model, { tp, pp, ep, dp: ep });
  checkChunks(model, effective);
  const shares = deviceShares(model, { tp, pp, ep, dp: 1 });
  const parts: Architecture[] = [];
  const unfrozen = unfrozenLayers(
    model,
    shares.map(({ share }) => share),
    effective.unfrozenLayers,
  );
  return shares.map((share, index): Stage => {
    const equal = parts.find((known) => sameParts(known, share.share)) ?? share.share;
    parts.push(equal);
    const part = inRelease(equal, effective);
    const stage = {
      id: share.id,
      count: tp * dp * cp,
      stage: share.stage,
      stages: pp,
      share: part,
      ends: { input: share.stage === 0, output: share.stage === pp - 1 },
    };
    if (effective.method !== "freeze") return stage;
    const split = unfreezeLast(part, { layers: unfrozen[index]!, role: dividedStack(model)?.role });
    return { ...stage, share: split.model, unfrozen: split.tensors };
  });
}

/**
 * Chunks that the interleaved schedule can cut a stage into: one layer each.
 *
 * @example mostChunks(llama_3_1_8b, 4) // 8 of 32 layers
 */
export const mostChunks = (model: Architecture, stages: number): number =>
  Math.floor(pipelineLayers(model) / stages);

function checkChunks(model: Architecture, { parallel }: EffectiveTrain): void {
  const { pp, schedule, virtualStages } = parallel;
  const most = mostChunks(model, pp);
  if (pp === 1 || schedule !== "interleaved" || virtualStages <= most) return;
  throw new VramCalcError("bad-option", {
    option: "--virtual-stages",
    given: String(virtualStages),
    expected: `at most ${most}, the layers of each of ${pp} stages`,
  });
}

/**
 * The parts of the model that a step on text loads: the language model alone, or with its towers frozen beside it.
 *
 * @throws bad-option for a model of images or sound alone: its steps have another input and another loss
 */
export const loadedPart = (model: Architecture, towers: EffectiveTrain["towers"]): Architecture =>
  towers === "frozen" ? withTowers(model) : languageModel(model);

const withTowers = onceFor((model: Architecture): Architecture => {
  languageModel(model);
  const stacks = model.stacks.filter(({ role }) => role !== "mtp");
  if (stacks.length === model.stacks.length) return model;
  const part = { ...model, stacks };
  return { ...part, parameters: countParameters(part) };
});

/** The language model without towers and prediction layers. */
export const languageModel = onceFor((model: Architecture): Architecture => {
  const stacks = model.stacks.filter(({ role }) => readsText(role));
  if (stacks.length === model.stacks.length) return model;
  if (stacks.length === 0)
    throw new VramCalcError("bad-option", {
      option: "train",
      given: `a ${model.family} model, which has no layers that read text`,
      expected: "a language model, alone or with towers beside it",
    });
  const tensors = model.tensors.filter((t) => !inTower(t));
  const part = { ...model, stacks, tensors };
  return { ...part, parameters: countParameters(part) };
});

/**
 * Micro-batches whose activations a stage holds at once (s from 0, p stages, m micro-batches, v chunks):
 *
 *     gpipe         m
 *     1f1b          min(m, p - s)
 *     interleaved   min(m, p + (p - 1 - 2 s)/v), first stage p (1 + (p - 1)/(p v)); with one chunk per rank it is 1f1b
 */
export function inFlight(stage: Stage, effective: EffectiveTrain): number {
  const { schedule, virtualStages } = effective.parallel;
  const { stages: p, stage: s } = stage;
  const m = effective.gradAccum;
  if (p === 1) return 1;
  switch (schedule) {
    case "gpipe":
      return m;
    case "1f1b":
      return Math.min(m, p - s);
    case "interleaved": {
      if (virtualStages === 1) return Math.min(m, p - s);
      const chunks = virtualStages * p + (p - 1) - 2 * s;
      return Math.min(m, Math.max(1, chunks / virtualStages));
    }
  }
}

/** How many of each stage's layers are among the last `layers` of the model: the last stage has them first. */
function unfrozenLayers(
  model: Architecture,
  stages: readonly Architecture[],
  layers: number,
): readonly number[] {
  const role = dividedStack(model)?.role;
  let left = layers;
  return stages
    .toReversed()
    .map(({ stacks }) => {
      const held = stacks
        .filter((stack) => stack.role === role)
        .reduce((sum, stack) => sum + layerCount(stack), 0);
      const free = Math.min(left, held);
      left -= free;
      return free;
    })
    .toReversed();
}

/**
 * The last `layers` layers of the stacks of a role as kinds of their own, so that they can train while equal ones before
 * them do not.
 */
function unfreezeLast(
  model: Architecture,
  { layers, role }: { readonly layers: number; readonly role: Stack["role"] | undefined },
): { readonly model: Architecture; readonly tensors: ReadonlySet<Tensor> } {
  const tensors = new Set<Tensor>();
  // Stages that are alike stay one.
  if (layers === 0) return { model, tensors };
  const stacks = model.stacks.map((stack): Stack => {
    if (stack.role !== role) return stack;
    const kinds: LayerKind[] = [...stack.kinds];
    const counts = [...stack.counts];
    const copies = new Map<number, number>();
    const runs: Run[] = [];
    let left = layers;
    for (let r = stack.runs.length - 1; r >= 0; r--) {
      const run = stack.runs[r]!;
      const free = Math.min(left, run.count);
      left -= free;
      if (free > 0) runs.unshift({ kind: copyOf(run.kind), count: free });
      if (run.count > free) runs.unshift({ kind: run.kind, count: run.count - free });
      if (free > 0) {
        counts[copyOf(run.kind)]! += free;
        counts[run.kind]! -= free;
      }
    }
    function copyOf(kind: number): number {
      let copy = copies.get(kind);
      if (copy === undefined) {
        copy = kinds.length;
        copies.set(kind, copy);
        const own = stack.kinds[kind]!.tensors.map((t) => ({ ...t }));
        for (const tensor of own) tensors.add(tensor);
        kinds.push({ ...stack.kinds[kind]!, tensors: own });
        counts.push(0);
      }
      return copy;
    }
    return { ...stack, kinds, counts, runs };
  });
  return { model: { ...model, stacks }, tensors };
}

/** The model as the classes of its release hold it: only Hugging Face's training code runs them. */
export const inRelease = (
  model: Architecture,
  effective: Pick<EffectiveTrain, "framework" | "transformers">,
): Architecture => (classesOf(effective)?.expertModules === true ? withExpertModules(model) : model);
