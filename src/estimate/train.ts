/** The training estimate: what one optimizer step holds, phase by phase and term by term, on the worst device. */

import { type LoraLinear, loraLinears } from "../adapters/lora.ts";
import { layerParameters } from "../architecture/layout.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import { type Band, sizeable, sumTerms, type Term, worstOf } from "../memory/term.ts";
import { layerKnowledge } from "../memory/training/layer-code.ts";
import { allocatorRoom, allocatorTerm, type ReservePhase, runtimeTerm } from "../memory/training/reserved.ts";
import { dividedStack } from "../parallelism/layer-range.ts";
import { type EffectiveTrain, effectiveTrain } from "./effective-train.ts";
import {
  devicePhases,
  type KnownParts,
  newKnownParts,
  type PhaseBytes,
  pendingBytes,
  phaseTotal,
  type TrainPhase,
  worstPhase,
} from "./train-device.ts";
import { trainNotes } from "./train-notes.ts";
import { operandsOf } from "./train-operands.ts";
import type { TrainRequest } from "./train-request.ts";
import { pooledElsewhere, simulatedReserve } from "./train-reserve.ts";
import { inFlight, inRelease, languageModel, loadedPart, type Stage, trainStages } from "./train-stages.ts";
import { pagedTerms, phaseTerms } from "./train-terms.ts";

export interface TrainPhaseResult {
  readonly phase: TrainPhase;
  readonly terms: readonly Term[];
  /** Sum of the terms: what PyTorch has allocated at that moment. */
  readonly allocated: Band;
}

export interface TrainDevice {
  /** "all" on one device; "pp0", "pp1", ... for pipeline stages. */
  readonly id: string;
  readonly count: number;
  readonly phases: readonly TrainPhaseResult[];
  /** The phase with the most allocated. */
  readonly winner: TrainPhase;
  /** Terms of that phase, with the allocator's reserve and the runtime: they sum to `device`. */
  readonly terms: readonly Term[];
  /** torch.cuda.max_memory_allocated. */
  readonly allocated: Band;
  /** torch.cuda.max_memory_reserved. */
  readonly reserved: Band;
  /** What nvidia-smi shows for the process. */
  readonly total: Band;
  /** The card is full: on a larger one the allocator would keep more freed blocks. */
  readonly cacheCapped: boolean;
}

export interface TrainResult {
  readonly devices: readonly TrainDevice[];
  /** The worst device, in the three ways in which people read memory. */
  readonly totals: { readonly allocated: Band; readonly reserved: Band; readonly device: Band };
  /** Same as `totals.device`. */
  readonly total: Band;
  readonly winner: TrainPhase;
  readonly parameters: { readonly total: number; readonly trainable: number };
  readonly request: EffectiveTrain;
  readonly notes: readonly Note[];
}

/**
 * Memory to train `model`: weights, gradients, optimizer states and everything that a forward and backward pass
 * keeps, from a simulation of the operations that run.
 *
 *     total = max over phases of (weights + master weights + adapters + gradients + optimizer states
 *             + activations + logits + workspace + communication) + allocator + runtime
 *
 * Every pipeline stage is computed and the worst is the verdict; data- and tensor-parallel ranks of a stage are alike.
 * Cost does not depend on the number of devices or of layers.
 *
 * @throws bad-option, unknown-name
 * @example train(llama_3_2_1b, { precision: "bf16", seqTokens: 512 }).totals.allocated.bytes // 10_937_264_640
 */
export function train(model: Architecture, request: TrainRequest = {}): TrainResult {
  const effective = effectiveTrain(model, request);
  const text = loadedPart(model, effective.towers);
  const language = inRelease(languageModel(model), effective);
  const adapted = adaptedLinears(language, effective);
  const devices = trainDevices(text, effective);
  const worst = worstOf(devices);
  sizeable(worst.total);
  return {
    devices,
    totals: { allocated: worst.allocated, reserved: worst.reserved, device: worst.total },
    total: worst.total,
    winner: worst.winner,
    parameters: {
      total: text.parameters.total,
      trainable: trainableOf(language, effective, adapted),
    },
    request: effective,
    notes: [
      ...text.notes,
      ...trainNotes({
        model,
        text,
        effective,
        adapted,
        asked: request,
        cacheCapped: worst.cacheCapped,
      }),
    ],
  };
}

/** Every stage; those with equal parts and as many micro-batches in flight are one but for the name. */
function trainDevices(text: Architecture, effective: EffectiveTrain): readonly TrainDevice[] {
  const parts = newKnownParts();
  const known = new Map<Architecture, Map<number, TrainDevice>>();
  return trainStages(text, effective).map((stage) => {
    const alike = known.get(stage.share) ?? new Map<number, TrainDevice>();
    known.set(stage.share, alike);
    const waiting = inFlight(stage, effective);
    const device = alike.get(waiting) ?? trainDevice(stage, text, effective, parts);
    alike.set(waiting, device);
    return device.id === stage.id ? device : { ...device, id: stage.id };
  });
}

function trainDevice(
  stage: Stage,
  whole: Architecture,
  effective: EffectiveTrain,
  parts: KnownParts,
): TrainDevice {
  const known = layerKnowledge(whole);
  const knowledge = known === "read" && effective.framework !== "hf" ? "assumed" : known;
  const operands = operandsOf(stage, effective, parts);
  const moments = devicePhases(stage, whole, effective, parts);
  const phases = merged(moments).map((p): TrainPhaseResult & { bytes: PhaseBytes } => {
    const terms = phaseTerms(p, operands, effective, knowledge);
    return { phase: p.phase, terms, allocated: sumTerms(terms), bytes: p };
  });
  const winner = worstPhase(phases.map((p) => p.bytes));
  const won = phases.find((p) => p.bytes === winner)!;
  const { contextBytes, deviceBytes } = effective;
  const world = stage.count * stage.stages;
  const limit = allocatorRoom({
    cardBytes: deviceBytes,
    contextBytes,
    world,
    allocated: won.allocated.bytes,
  });
  const { term: allocator, capped } = allocatorTerm({
    phases: phases.map((p) => reservePhase(p.bytes)),
    allocated: won.allocated.bytes,
    pooled: pooledElsewhere(moments, winner, effective) + pendingBytes(stage, effective, parts),
    sharding: effective.parallel.sharding,
    expandable: effective.expandableSegments,
    variedLengths: effective.lengths === "varied",
    limit,
    simulated: simulatedReserve(stage, whole, effective, limit),
  });
  const outside = pagedTerms(winner.paged, operands);
  const terms = [...won.terms, allocator, ...outside, runtimeTerm(world, contextBytes)];
  return {
    id: stage.id,
    count: stage.count,
    phases: phases.map(({ phase, terms: own, allocated }) => ({ phase, terms: own, allocated })),
    winner: winner.phase,
    terms,
    allocated: won.allocated,
    reserved: sumTerms([...won.terms, allocator]),
    total: sumTerms(terms),
    cacheCapped: capped,
  };
}

/** What one phase leaves in the allocator's cache: a step over the same tensors every time leaves no odd sizes behind. */
function reservePhase(p: PhaseBytes): ReservePhase {
  const large = p.phase === "optimizer-step" ? 0 : p.logits + p.workspace;
  return {
    allocated: phaseTotal(p),
    transient: p.activations + p.logits + p.workspace + p.communication,
    large,
  };
}

/** The largest moment of each phase, in the order in which phases happen. */
function merged(moments: readonly PhaseBytes[]): readonly PhaseBytes[] {
  const byPhase = new Map<TrainPhase, PhaseBytes>();
  for (const moment of moments) {
    const known = byPhase.get(moment.phase);
    if (known === undefined || phaseTotal(moment) > phaseTotal(known)) byPhase.set(moment.phase, moment);
  }
  return [...byPhase.values()];
}

/** Adapters of the request, or none; throws early when the targets match nothing. */
function adaptedLinears(model: Architecture, effective: EffectiveTrain): readonly LoraLinear[] {
  if (effective.method !== "lora" && effective.method !== "qlora") return [];
  return loraLinears(model, {
    rank: effective.loraRank,
    targets: effective.loraTargets,
    dora: effective.dora,
  });
}

function trainableOf(model: Architecture, effective: EffectiveTrain, adapted: readonly LoraLinear[]): number {
  switch (effective.method) {
    case "full":
      return model.parameters.total;
    case "lora":
    case "qlora":
      return adapted.reduce((sum, linear) => sum + linear.parameters, 0);
    case "freeze":
      return unfrozenParameters(model, effective.unfrozenLayers);
  }
}

function unfrozenParameters(model: Architecture, layers: number): number {
  const stack = dividedStack(model);
  if (stack === undefined) return 0;
  let left = layers;
  let sum = 0;
  for (let r = stack.runs.length - 1; r >= 0 && left > 0; r--) {
    const run = stack.runs[r]!;
    const count = Math.min(left, run.count);
    left -= count;
    sum += count * layerParameters(stack.kinds[run.kind]!);
  }
  return sum;
}
