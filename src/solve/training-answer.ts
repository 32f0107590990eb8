/** One inverse question about training, answered with the evidence. */

import type { EffectiveTrain } from "../estimate/effective-train.ts";
import { train } from "../estimate/train.ts";
import { type TrainRelief, trainReliefs } from "../estimate/train-reliefs.ts";
import { worstOf } from "../memory/term.ts";
import { checkTrainQuestion, checkUnknown } from "./question.ts";
import type { SizedValue, Sizing } from "./serving-answer.ts";
import { planTraining, type TrainPlan, type TrainPlans } from "./train-plan.ts";
import {
  LARGEST_MICRO_BATCH,
  largestMicroBatch,
  longestSequence,
  onCard,
  sequenceLimit,
  type TrainSolveInput,
} from "./train-search.ts";
import { TRAINING_UNKNOWNS, type TrainingUnknown } from "./unknowns.ts";

export interface LargestStepAnswer extends Sizing<EffectiveTrain> {
  readonly kind: "micro-batch" | "seq";
  readonly fits: boolean;
  readonly answer: SizedValue | null;
  readonly next: SizedValue | null;
  readonly reliefs: readonly TrainRelief[];
}

/** Sized is the best layout, else the closest, else one device. */
export interface PlansAnswer extends Sizing<EffectiveTrain> {
  readonly kind: "gpus" | "plan";
  readonly fits: boolean;
  readonly plans: readonly TrainPlan[];
  readonly closest: TrainPlan | null;
  /** Layouts sized on the way. */
  readonly sized: number;
  /** Devices that the plans were held to, exactly or at most. */
  readonly devices?: number;
  readonly mostDevices?: number;
}

export type TrainingAnswer = LargestStepAnswer | PlansAnswer;

/**
 * Answers one question about a training step on equal cards.
 *
 * @param devices for `plan` exactly so many devices; for `gpus` at most so many
 * @throws bad-option, unknown-name for a request that `train` refuses
 * @example fitTraining({ model: llama_3_1_8b, request: {}, budgetBytes: 80e9 }, "plan").fits // true
 */
export function fitTraining(
  input: TrainSolveInput & { readonly devices?: number },
  unknown: TrainingUnknown,
): TrainingAnswer {
  checkTrainQuestion(input, "fitTraining");
  checkUnknown(unknown, TRAINING_UNKNOWNS);
  const { devices, ...given } = input;
  const rest = { ...given, request: onCard(given) };
  switch (unknown) {
    case "micro-batch":
      return stepAnswer(rest, {
        kind: "micro-batch",
        value: largestMicroBatch(rest),
        limit: LARGEST_MICRO_BATCH,
        at: (microBatch) => ({ microBatch }),
      });
    case "seq":
      return stepAnswer(rest, {
        kind: "seq",
        value: longestSequence(rest),
        limit: sequenceLimit(rest.model),
        at: (seqTokens) => ({ seqTokens }),
      });
    case "gpus": {
      const most = devices === undefined ? {} : { mostDevices: devices };
      const found = planTraining({ ...rest, ...most, keep: 1 });
      return { kind: "gpus", fits: found.plans.length > 0, ...found, ...planSizing(rest, found), ...most };
    }
    case "plan": {
      const exactly = devices === undefined ? {} : { devices };
      const found = planTraining({ ...rest, ...exactly });
      return {
        kind: "plan",
        fits: found.plans.length > 0,
        ...found,
        ...planSizing(rest, found),
        ...exactly,
      };
    }
  }
}

const planSizing = (
  { model, request, budgetBytes }: TrainSolveInput,
  { plans, closest }: TrainPlans,
): Sizing<EffectiveTrain> =>
  sizingOf({ model, budgetBytes, request: (plans[0] ?? closest)?.request ?? request });

function sizingOf({ model, request, budgetBytes }: TrainSolveInput): Sizing<EffectiveTrain> {
  const { request: effective, notes, total, devices } = train(model, request);
  const { terms } = worstOf(devices);
  return { request: effective, notes, total, terms, headroom: budgetBytes - total.bytes };
}

function stepAnswer(
  { model, request, budgetBytes }: TrainSolveInput,
  of: {
    readonly kind: "micro-batch" | "seq";
    readonly value: number;
    readonly limit: number;
    readonly at: (value: number) => { readonly microBatch?: number; readonly seqTokens?: number };
  },
): LargestStepAnswer {
  const { kind, value, limit, at } = of;
  const sized = (n: number): SizedValue => {
    const { bytes } = train(model, { ...request, ...at(n) }).total;
    return { value: n, bytes, headroom: budgetBytes - bytes };
  };
  const fits = value > 0;
  const least = { ...request, ...at(Math.max(1, value)) };
  return {
    kind,
    fits,
    answer: fits ? sized(value) : null,
    next: value < limit ? sized(value + 1) : null,
    ...sizingOf({ model, budgetBytes, request: least }),
    reliefs: fits ? [] : trainReliefs(model, least),
  };
}
