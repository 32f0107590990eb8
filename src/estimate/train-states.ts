import type { Architecture } from "../architecture/model.ts";
import { packedWidth } from "../memory/training/holding.ts";
import { layerCode } from "../memory/training/layer-code.ts";
import { optimizerByName, optimizerStepBytes } from "../memory/training/optimizers.ts";
import type { Holding } from "../memory/training/pass.ts";
import { dividedBy, type ShardingBuffers, shardingBuffers } from "../memory/training/sharding.ts";
import { allocated } from "../memory/training/tape.ts";
import { type TrainedTensor, trainedTensors } from "../memory/training/trained-tensors.ts";
import { rotaryCacheBytes } from "../memory/training/transformers-release.ts";
import { weightBytes } from "../memory/training/weight-bytes.ts";
import type { Bytes } from "../units.ts";
import { type EffectiveTrain, shardRanks } from "./effective-train.ts";
import { classesOf } from "./train-defaults.ts";
import { reentrantAround } from "./train-pass.ts";
import type { Widths } from "./train-widths.ts";

/** What stays on the card through the whole step. */
export interface Resident {
  readonly weights: Bytes;
  readonly adapters: Bytes;
  readonly masterWeights: Bytes;
  readonly optimizer: Bytes;
  /** States in managed memory, which PyTorch's allocator does not hand out. */
  readonly paged: Bytes;
}

/** Model states of one device after sharding and offloading. */
export interface States {
  readonly resident: Resident;
  readonly gradients: Bytes;
  /** Stored gradient bytes per byte of gradient that the pass makes. */
  readonly gradientScale: number;
  /** Gradients of frozen weights that share a flat parameter with trained ones, between micro-batches. */
  readonly flatGradients: Bytes;
  readonly step: Bytes;
  readonly buffers: ShardingBuffers;
}

/**
 * Weights, master weights, gradients and optimizer states of one device, each divided as its sharding says, and the
 * temporaries of a step.
 */
export function statesOf(
  model: Architecture,
  holding: Holding,
  effective: EffectiveTrain,
  widths: Widths,
): States {
  const { parallel, method } = effective;
  const full = method === "full" || method === "freeze";
  const divided = dividedBy(parallel.sharding);
  const ranks = shardRanks(parallel);
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
  // The reference lies in the type that the pass computes in, divided as the weights are.
  const reference = holdsReference(effective)
    ? weightBytes(model, holding, { packed: effective.quantization, storedWidth: widths.compute, buffers: 0 })
    : null;
  const trained = trainedTensors(model, holding);
  const sum = (each: (t: TrainedTensor) => Bytes, on: boolean): Bytes => {
    const { dense, experts } = totals(trained, each);
    return over(dense, on, false) + over(experts, on, true);
  };
  const gradientWidth = (t: TrainedTensor): number => (full ? widths.gradient : t.width);
  const gradients = sum((t) => allocated(t.elements * gradientWidth(t)), divided.gradients);
  const made = sum((t) => allocated(t.elements * t.width), false);
  const unsynced = gathersGradientsLate(effective);
  const flat = unsynced && effective.framework === "litgpt" && parallel.sharding === "fsdp" && !full;
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
  const { optimizerInBackward } = effective;
  const steps = optimizerInBackward
    ? Math.max(0, ...trained.map((t) => optimizerStepBytes(optimizer, [{ ...t, count: 1 }], options)))
    : optimizerStepBytes(optimizer, trained, options);
  const step = offloaded ? 0 : Math.round(steps * stepScale) + widened;
  const largest = Math.max(0, ...trained.map((t) => allocated(t.elements * gradientWidth(t))));
  const classes = classesOf(effective);
  const tables = classes === null ? 0 : rotaryCacheBytes(model, classes);
  const { dense, experts, denseScales, expertScales } = held;
  const weights =
    over(dense - denseScales, divided.weights, false) +
    over(experts - expertScales, divided.weights, true) +
    denseScales +
    expertScales +
    tables;
  const beside =
    reference === null
      ? 0
      : over(reference.dense, divided.weights, false) + over(reference.experts, divided.weights, true);
  const trainedElements = sum((t) => t.elements, false);
  const buffers = shardingBuffers({
    sharding: parallel.sharding,
    ranks,
    elements: held.denseElements + held.expertElements,
    trainedElements,
    largestLayer: held.largestLayer,
    outsideElements: held.outsideElements,
    packedWidth: packedWidth(effective.quantization),
    computeWidth: widths.compute,
    reduceWidth: parallel.sharding === "ddp" ? (full ? widths.gradient : 4) : widths.gradient,
    reshardAfterForward: parallel.reshardAfterForward,
    overlap: true,
    stages: parallel.pp,
    hiddenSize:
      effective.framework === "hf" && parallel.sharding.startsWith("zero") ? model.hiddenSize : null,
    ownBuffers: effective.framework === "megatron",
    fromHost: parallel.offloadWeights,
    reentrantAround: reentrantAround(effective),
  });
  return {
    resident: {
      weights: parallel.offloadWeights ? 0 : weights + beside,
      adapters: over(held.adapters, divided.weights, false),
      masterWeights: offloaded ? 0 : master,
      optimizer: offloaded || optimizer.paged === true ? 0 : state,
      paged: !offloaded && optimizer.paged === true ? state : 0,
    },
    gradients: optimizerInBackward ? Math.min(gradients, largest) : gradients,
    gradientScale: made === 0 ? 0 : unsynced ? 1 : gradients / made,
    flatGradients: flat ? (held.denseElements + held.expertElements) * widths.compute - made : 0,
    step,
    buffers,
  };
}

/** A second, frozen model lies beside the trained one: 2 bytes per weight in 16 bits (Rafailov et al., arXiv:2305.18290). */
export const holdsReference = ({ loss, method, reference }: EffectiveTrain): boolean =>
  (loss === "dpo" || loss === "kl") && reference === "resident" && (method === "full" || method === "freeze");

/**
 * Between micro-batches FSDP under `no_sync` neither divides nor reduces gradients: every rank holds them whole (accelerate's
 * guide to gradient synchronization: a 47B Mixtral on eight cards runs out at two steps). Hugging Face's trainer and LitGPT
 * (`fabric.no_backward_sync`) accumulate so; torchtitan and torchtune reduce every time. LitGPT wraps whole blocks with
 * `use_orig_params`, so the flat gradient of a block covers its frozen weights too: LoRA on Llama-2-7B over two cards
 * holds 13.5 GB of them. It was looked for because each of eight LitGPT readings lay one whole model above the estimate, so
 * they are no test of it; those of full training on four cards are (Gemma 2B: 43 % low without it, 17 % with it).
 */
function gathersGradientsLate(effective: EffectiveTrain): boolean {
  const { sharding, pp, dp, cp } = effective.parallel;
  const late = effective.framework === "hf" || effective.framework === "litgpt";
  return late && effective.gradAccum > 1 && sharding.startsWith("fsdp") && pp === 1 && dp * cp > 1;
}

/** A sum over trained tensors: the dense ones, and those of experts, which another group of devices may divide. */
function totals(
  trained: readonly TrainedTensor[],
  each: (t: TrainedTensor) => Bytes,
): { readonly dense: Bytes; readonly experts: Bytes } {
  let dense = 0;
  let experts = 0;
  for (const t of trained) {
    const bytes = t.count * each(t);
    if (t.expert) experts += bytes;
    else dense += bytes;
  }
  return { dense, experts };
}
