/** One device of a training run: model states, the moments of a step, and its terms in each. */
import type { Architecture } from "../architecture/model.ts";
import { type HoldingRequest, holdingOf } from "../memory/training/holding.ts";
import { type LayerFramework, layerCode } from "../memory/training/layer-code.ts";
import { type Moment, momentsOf } from "../memory/training/moments.ts";
import { optimizerByName, optimizerStepBytes } from "../memory/training/optimizers.ts";
import type { Holding } from "../memory/training/pass.ts";
import { segmentsOf } from "../memory/training/segments.ts";
import { dividedBy, shardingBuffers } from "../memory/training/sharding.ts";
import { allocated, type Width } from "../memory/training/tape.ts";
import { type TrainedTensor, trainedTensors } from "../memory/training/trained-tensors.ts";
import { weightBytes } from "../memory/training/weight-bytes.ts";
import type { Bytes } from "../units.ts";
import type { EffectiveTrain } from "./train-request.ts";
import { inFlight, type Stage } from "./train-stages.ts";

export type TrainPhase =
  | "forward"
  | "loss-backward"
  | "layer-backward"
  | "end-of-backward"
  | "optimizer-step";

/** What one phase holds, in bytes that PyTorch's allocator hands out. */
export interface PhaseBytes {
  readonly phase: TrainPhase;
  readonly weights: Bytes;
  readonly adapters: Bytes;
  readonly masterWeights: Bytes;
  readonly gradients: Bytes;
  readonly optimizer: Bytes;
  readonly activations: Bytes;
  readonly logits: Bytes;
  readonly workspace: Bytes;
  readonly communication: Bytes;
}

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

/** How wide everything is. */
export interface Widths {
  /** Weights that the forward pass reads, and what it computes in without autocast. */
  readonly compute: Width;
  /** Weights as they lie on the card between steps. */
  readonly stored: Width;
  readonly gradient: Width;
  /** fp32 master weights beside 16-bit ones. */
  readonly master: Width | null;
  readonly autocast: boolean;
}

/**
 * Widths of a precision under a sharding scheme. FSDP's mixed precision keeps fp32 shards and gathers 16-bit
 * layers, so it needs no autocast; Megatron accumulates gradients in fp32.
 */
export function widthsOf(effective: EffectiveTrain): Widths {
  const { precision, method, framework } = effective;
  const { sharding } = effective.parallel;
  const frozenBase = method === "lora" || method === "qlora";
  const half: Widths = { compute: 2, stored: 2, gradient: 2, master: null, autocast: false };
  const mastered: Widths = {
    ...half,
    master: frozenBase ? null : 4,
    gradient: framework === "megatron" && !frozenBase ? 4 : 2,
  };
  switch (precision) {
    case "bf16":
    case "fp16":
      return framework === "megatron" || framework === "deepspeed" ? mastered : half;
    case "fp32":
      return { compute: 4, stored: 4, gradient: 4, master: null, autocast: false };
    case "amp-bf16":
    case "amp-fp16":
      if (frozenBase) return { ...half, autocast: true };
      if (sharding === "fsdp" || sharding === "fsdp2")
        return { compute: 2, stored: 4, gradient: 4, master: null, autocast: false };
      if (sharding.startsWith("zero") || framework === "megatron" || framework === "deepspeed")
        return mastered;
      return { compute: 4, stored: 4, gradient: 4, master: null, autocast: true };
    case "bf16-master":
    case "fp16-master":
    case "fp8":
      return mastered;
  }
}

/** All phases of one pipeline stage's device, in the order in which they happen. */
export function devicePhases(
  stage: Stage,
  whole: Architecture,
  effective: EffectiveTrain,
): readonly PhaseBytes[] {
  const model = stage.share;
  const { parallel } = effective;
  const widths = widthsOf(effective);
  const holding = holdingOf(model, holdingRequest(stage, effective, widths));
  const states = statesOf(model, holding, effective, widths);
  const moments = passMoments(stage, whole, holding, effective, widths);
  const { buffers, gradientScale } = states;
  const phases = moments.map((moment): PhaseBytes => {
    const backward = moment.phase !== "forward" && moment.phase !== "loss-backward";
    return {
      phase: moment.phase,
      ...states.resident,
      gradients: parallel.offloadWeights ? 0 : Math.round(moment.gradients * gradientScale),
      activations: moment.activations,
      logits: moment.logits,
      workspace: moment.workspace,
      communication:
        (backward ? buffers.backward : buffers.forward) + exchangeBytes(stage, whole, effective, widths),
    };
  });
  const step: PhaseBytes = {
    phase: "optimizer-step",
    ...states.resident,
    gradients: parallel.offloadWeights || parallel.offloadOptimizer ? 0 : states.gradients,
    activations: 0,
    logits: 0,
    workspace: states.step,
    communication: buffers.step,
  };
  return [...phases, step];
}

function holdingRequest(stage: Stage, effective: EffectiveTrain, widths: Widths): HoldingRequest {
  const { method, quantization, kbitPreparation } = effective;
  return {
    method,
    width: widths.compute,
    packed: quantization,
    kbitPreparation,
    lora: {
      rank: effective.loraRank,
      targets: effective.loraTargets,
      dropout: effective.loraDropout,
      width: effective.adapterFormat === "fp32" ? 4 : 2,
      dora: effective.dora,
    },
    ...(stage.unfrozen === undefined ? {} : { unfrozen: stage.unfrozen }),
  };
}

interface States {
  readonly resident: Pick<PhaseBytes, "weights" | "adapters" | "masterWeights" | "optimizer">;
  readonly gradients: Bytes;
  /** Stored gradient bytes per byte of gradient that the pass makes. */
  readonly gradientScale: number;
  readonly step: Bytes;
  readonly buffers: ReturnType<typeof shardingBuffers>;
}

function statesOf(model: Architecture, holding: Holding, effective: EffectiveTrain, widths: Widths): States {
  const { parallel, method } = effective;
  const full = method === "full" || method === "freeze";
  const divided = dividedBy(parallel.sharding);
  const ranks = parallel.dp * parallel.cp;
  const expertRanks = Math.max(
    1,
    Math.floor((ranks * parallel.tp) / parallel.ep / Math.max(1, parallel.tp / parallel.ep)),
  );
  const over = (bytes: Bytes, on: boolean, expert: boolean): Bytes =>
    on ? Math.ceil(bytes / (expert ? expertRanks : ranks)) : bytes;
  const held = weightBytes(model, holding, {
    packed: effective.quantization,
    storedWidth: full ? widths.stored : null,
    buffers: layerCode(model).buffers,
  });
  const trained = trainedTensors(model, holding);
  const sum = (each: (t: TrainedTensor) => Bytes, on: boolean): Bytes =>
    over(total(trained, each, false), on, false) + over(total(trained, each, true), on, true);
  const gradientWidth = (t: TrainedTensor): number => (full ? widths.gradient : t.width);
  const gradients = sum((t) => allocated(t.elements * gradientWidth(t)), divided.gradients);
  const made = sum((t) => allocated(t.elements * t.width), false);
  const optimizer = optimizerByName(effective.optimizer);
  const options = { rank: effective.optimizerRank, width: full ? (widths.master ?? widths.stored) : null };
  const state = sum((t) => optimizer.stateBytes(t, options), divided.optimizer);
  const master = widths.master === null ? 0 : sum((t) => allocated(t.elements * 4), divided.optimizer);
  const offloaded = parallel.offloadOptimizer;
  const stepScale = divided.optimizer ? 1 / ranks : 1;
  // DeepSpeed turns its part of the 16-bit gradients into fp32 for the step.
  const widened =
    widths.master !== null && widths.gradient < 4
      ? sum((t) => allocated(t.elements * 4), divided.optimizer)
      : 0;
  const step = offloaded
    ? 0
    : Math.round(optimizerStepBytes(optimizer, trained, options) * stepScale) + widened;
  const weights = over(held.dense, divided.weights, false) + over(held.experts, divided.weights, true);
  const trainedElements = total(trained, (t) => t.elements, false) + total(trained, (t) => t.elements, true);
  const buffers = shardingBuffers({
    sharding: parallel.sharding,
    ranks,
    elements: held.denseElements + held.expertElements,
    trainedElements,
    largestLayerElements: held.largestLayerElements,
    outsideElements: held.outsideElements,
    computeWidth: widths.compute,
    reduceWidth: parallel.sharding === "ddp" ? (full ? widths.gradient : 4) : widths.gradient,
    reshardAfterForward: parallel.reshardAfterForward,
    overlap: true,
    stages: parallel.pp,
    hiddenSize:
      effective.framework === "hf" && parallel.sharding.startsWith("zero") ? model.hiddenSize : null,
  });
  return {
    resident: {
      weights: parallel.offloadWeights ? 0 : weights,
      adapters: over(held.adapters, divided.weights, false),
      masterWeights: offloaded ? 0 : master,
      optimizer: offloaded ? 0 : state,
    },
    gradients,
    gradientScale: made === 0 ? 0 : gradients / made,
    step,
    buffers,
  };
}

const total = (
  trained: readonly TrainedTensor[],
  each: (t: TrainedTensor) => Bytes,
  expert: boolean,
): Bytes => trained.reduce((sum, t) => (t.expert === expert ? sum + t.count * each(t) : sum), 0);

function passMoments(
  stage: Stage,
  whole: Architecture,
  holding: Holding,
  effective: EffectiveTrain,
  widths: Widths,
): readonly Moment[] {
  const { parallel, checkpointing } = effective;
  const model = stage.share;
  const frozen = effective.method === "lora" || effective.method === "qlora";
  const every = checkpointing === "none" ? 0 : typeof checkpointing === "number" ? checkpointing : 1;
  const nth =
    typeof checkpointing === "string" && checkpointing.startsWith("nth=")
      ? Number(checkpointing.slice(4))
      : 1;
  const routed = parallel.ep > 1 ? routedExperts(whole) : undefined;
  const segments = segmentsOf(model, {
    // Preference losses run the chosen and the rejected answer together.
    batch: effective.microBatch * (effective.loss === "dpo" ? 2 : 1),
    seqTokens: Math.ceil(effective.seqTokens / parallel.cp),
    attention: effective.attention,
    autocast: widths.autocast,
    holding,
    kernels: {
      fusedNorm: effective.fusedKernels,
      fusedGate: effective.fusedKernels,
      fusedRotary: effective.fusedKernels,
    },
    loss: {
      kind: effective.loss === "dpo" ? "hf" : effective.loss,
      chunks: effective.lossChunks,
      hold: effective.holdLogits,
    },
    inputGradients: frozen && every > 0,
    sequenceShards: parallel.sequenceParallel ? parallel.tp : 1,
    ...(routed === undefined ? {} : { routedExperts: routed }),
    framework: layerFramework(effective),
    ends: stage.ends,
  });
  const waiting = inFlight(stage, effective);
  const { moments, keptBytes } = momentsOf(model, segments, {
    checkpointEvery: every,
    nth,
    selective: checkpointing === "selective",
    offloadCheckpoints: checkpointing === "offload",
    accumulating: effective.gradAccum > 1,
    holding,
  });
  if (waiting <= 1) return moments;
  const others = Math.round((waiting - 1) * Math.max(0, keptBytes - segments.loss.savedBytes));
  return moments.map((m) =>
    m.phase === "end-of-backward" ? m : { ...m, activations: m.activations + others },
  );
}

function layerFramework(effective: EffectiveTrain): LayerFramework {
  switch (effective.framework) {
    case "litgpt":
      return "litgpt";
    case "fsdp":
    case "torchtune":
      return "torchtitan";
    case "hf":
    case "deepspeed":
    case "megatron":
      return "hf";
  }
}

function routedExperts(model: Architecture): number | undefined {
  for (const stack of model.stacks) {
    for (const kind of stack.kinds)
      if (kind.feedForward.kind === "experts") return kind.feedForward.activeExperts;
  }
  return undefined;
}

/** Buffers that carry activations between devices: pipeline ends, keys and values of a ring, expert rows. */
function exchangeBytes(stage: Stage, whole: Architecture, effective: EffectiveTrain, widths: Widths): Bytes {
  const { pp, cp, ep, tp, sequenceParallel } = effective.parallel;
  const width = widths.autocast ? 2 : widths.compute;
  const tokens = effective.microBatch * Math.ceil(effective.seqTokens / cp);
  const own = sequenceParallel ? tokens / tp : tokens;
  let bytes = pp > 1 ? 2 * own * whole.hiddenSize * width : 0;
  if (cp > 1) {
    const mixer = stage.share.stacks[0]?.kinds[0]?.mixers.find((m) => m.kind === "attention");
    if (mixer?.kind === "attention") bytes += 4 * tokens * mixer.kvHeads * mixer.keyDim * width;
  }
  if (ep > 1) bytes += 2 * own * (routedExperts(whole) ?? 1) * whole.hiddenSize * width;
  return Math.round(bytes);
}

/** The phase that holds the most. */
export function worstPhase(phases: readonly PhaseBytes[]): PhaseBytes {
  return phases.reduce((worst, p) => (phaseTotal(p) > phaseTotal(worst) ? p : worst));
}
