/** One device of a training run: model states, the moments of a step, and its terms in each. */
import type { Architecture } from "../architecture/model.ts";
import { type HoldingRequest, holdingOf } from "../memory/training/holding.ts";
import { knownSegments } from "../memory/training/known-segments.ts";
import { MEGATRON_WORKSPACES } from "../memory/training/library-workspace.ts";
import { type Moment, momentsOf } from "../memory/training/moments.ts";
import type { Holding } from "../memory/training/pass.ts";
import { type BufferPart, partBytes } from "../memory/training/sharding.ts";
import type { Bytes } from "../units.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import { runsTransformers } from "./train-defaults.ts";
import { activationParts, buffersAt } from "./train-exchange.ts";
import {
  addsToGradients,
  checkpointsOutlive,
  holdingRequest,
  longestFirst,
  passRequest,
  runsReentrant,
  stepBefore,
} from "./train-pass.ts";
import { inFlight, type Stage } from "./train-stages.ts";
import { type Resident, type States, statesOf } from "./train-states.ts";
import { type Widths, widthsOf } from "./train-widths.ts";

export type TrainPhase =
  | "forward"
  | "loss-backward"
  | "layer-backward"
  | "end-of-backward"
  | "optimizer-step";

/** What one phase holds, in bytes that PyTorch's allocator hands out. */
export interface PhaseBytes extends Resident {
  readonly phase: TrainPhase;
  readonly gradients: Bytes;
  readonly activations: Bytes;
  readonly logits: Bytes;
  readonly workspace: Bytes;
  /** Part of `workspace` that libraries hold all the time. */
  readonly libraries: Bytes;
  readonly communication: Bytes;
  /** What `communication` is the sum of. */
  readonly exchanged: readonly BufferPart[];
}

/** Allocated at that moment: the sum of all parts. */
export const phaseTotal = (p: PhaseBytes): Bytes =>
  p.weights +
  p.adapters +
  p.masterWeights +
  p.gradients +
  p.optimizer +
  p.activations +
  p.logits +
  p.workspace +
  p.communication;

/** What was worked out for a part of the model, which several stages may hold: one request's. */
export interface KnownParts {
  readonly holdings: Map<Architecture, Held>;
  readonly states: Map<Architecture, States>;
  readonly passes: Map<Architecture, PassMoments>;
}

/** Nothing known yet: one search shares what it learns of its holdings, states and passes. */
export const newKnownParts = (): KnownParts => ({
  holdings: new Map(),
  states: new Map(),
  passes: new Map(),
});

/** How the weights of a part are held, and what was asked for it. */
interface Held {
  readonly asked: HoldingRequest;
  readonly holding: Holding;
}

/** The moments of one micro-batch, and what another one in flight keeps. */
interface PassMoments {
  readonly moments: readonly Moment[];
  readonly keptBytes: Bytes;
}

/** How the weights of a stage's part are held, put together once for all stages that hold it. */
export function heldBy(stage: Stage, effective: EffectiveTrain, widths: Widths, known: KnownParts): Held {
  let held = known.holdings.get(stage.share);
  if (held === undefined) {
    const asked = holdingRequest(stage, effective, widths);
    held = { asked, holding: holdingOf(stage.share, asked) };
    known.holdings.set(stage.share, held);
  }
  return held;
}

function statesFor(stage: Stage, effective: EffectiveTrain, widths: Widths, known: KnownParts): States {
  let states = known.states.get(stage.share);
  if (states === undefined) {
    const { holding } = heldBy(stage, effective, widths, known);
    states = statesOf(stage.share, holding, effective, widths);
    known.states.set(stage.share, states);
  }
  return states;
}

/** Freed by the process and not yet by the card, beside what any moment holds. */
export const pendingBytes = (stage: Stage, effective: EffectiveTrain, known: KnownParts): Bytes =>
  partBytes(statesFor(stage, effective, widthsOf(effective), known).buffers.pending);

/** The optimizer's step on one pipeline stage's device. */
export function stepPhase(
  stage: Stage,
  effective: EffectiveTrain,
  known: KnownParts = newKnownParts(),
): PhaseBytes {
  const { parallel } = effective;
  const states = statesFor(stage, effective, widthsOf(effective), known);
  const libraries = librariesOf(effective);
  const { buffers, resident } = states;
  return {
    phase: "optimizer-step",
    weights: resident.weights,
    adapters: resident.adapters,
    masterWeights: resident.masterWeights,
    optimizer: resident.optimizer,
    paged: resident.paged,
    gradients: parallel.offloadWeights || parallel.offloadOptimizer ? 0 : states.gradients,
    activations: 0,
    logits: 0,
    workspace: states.step + libraries,
    libraries,
    communication: partBytes(buffers.step),
    exchanged: buffers.step,
  };
}

const librariesOf = (effective: EffectiveTrain): Bytes =>
  effective.framework === "megatron" ? MEGATRON_WORKSPACES : 0;

/** All phases of one pipeline stage's device, in the order in which they happen. */
export function devicePhases(
  stage: Stage,
  whole: Architecture,
  effective: EffectiveTrain,
  known: KnownParts = newKnownParts(),
): readonly PhaseBytes[] {
  const { parallel } = effective;
  const widths = widthsOf(effective);
  const states = statesFor(stage, effective, widths, known);
  const pass = known.passes.get(stage.share) ?? passMoments(stage, whole, { effective, widths, known });
  known.passes.set(stage.share, pass);
  const moments = withWaiting(pass, stage, effective);
  const { buffers, gradientScale, flatGradients, resident } = states;
  const libraries = librariesOf(effective);
  const activationBuffers = activationParts(stage, whole, effective, widths);
  const phases = moments.map((moment): PhaseBytes => {
    const backward = moment.phase !== "forward" && moment.phase !== "loss-backward";
    const exchanged = [...buffersAt(moment, buffers), ...activationBuffers];
    return {
      phase: moment.phase,
      weights: resident.weights,
      adapters: resident.adapters,
      masterWeights: resident.masterWeights,
      optimizer: resident.optimizer,
      paged: resident.paged,
      gradients: parallel.offloadWeights
        ? 0
        : Math.round(moment.gradients * gradientScale) +
          (backward || !longestFirst(effective) ? flatGradients : 0),
      activations: moment.activations,
      logits: moment.logits,
      workspace: moment.workspace + libraries,
      libraries,
      communication: partBytes(exchanged),
      exchanged,
    };
  });
  return [...phases, stepPhase(stage, effective, known)];
}

function passMoments(
  stage: Stage,
  whole: Architecture,
  how: { readonly effective: EffectiveTrain; readonly widths: Widths; readonly known: KnownParts },
): PassMoments {
  const { effective, widths, known } = how;
  const { parallel, checkpointing } = effective;
  const model = stage.share;
  const { asked, holding } = heldBy(stage, effective, widths, known);
  const every = checkpointing === "none" ? 0 : typeof checkpointing === "number" ? checkpointing : 1;
  const nth =
    typeof checkpointing === "string" && checkpointing.startsWith("nth=")
      ? Number(checkpointing.slice(4))
      : 1;
  const request = passRequest(stage, whole, {
    holding,
    widths,
    effective,
    seqTokens: Math.ceil(effective.seqTokens / parallel.cp),
  });
  const segments = knownSegments(model, request, asked);
  const { moments, keptBytes } = momentsOf(model, segments, {
    checkpointEvery: every,
    nth,
    selective: checkpointing === "selective",
    offloadCheckpoints: checkpointing === "offload",
    buffersCheckpoints: effective.framework === "unsloth",
    accumulating: addsToGradients(effective),
    stepsInBackward: effective.optimizerInBackward,
    stepBefore: stepBefore(effective),
    outlive: checkpointsOutlive(effective),
    holdsEmbedding: runsTransformers(effective.framework),
    graphStays: every === 0 || !runsReentrant(effective),
    holding,
  });
  return { moments, keptBytes: Math.max(0, keptBytes - segments.loss.savedBytes) };
}

/** The activations of the other micro-batches in flight lie beside the one that runs. */
function withWaiting(
  { moments, keptBytes }: PassMoments,
  stage: Stage,
  effective: EffectiveTrain,
): readonly Moment[] {
  const waiting = inFlight(stage, effective);
  if (waiting <= 1) return moments;
  const others = Math.round((waiting - 1) * keptBytes);
  return moments.map((m) =>
    m.phase === "end-of-backward" ? m : { ...m, activations: m.activations + others },
  );
}

/** The phase that holds the most. */
export function worstPhase(phases: readonly PhaseBytes[]): PhaseBytes {
  return phases.reduce((worst, p) => (phaseTotal(p) > phaseTotal(worst) ? p : worst));
}
