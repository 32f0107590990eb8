/** What one micro-batch's pass is asked to hold and to run: options and framework, put in the terms of `memory/training`. */
import type { Architecture } from "../architecture/model.ts";
import { bitsandbytesRelease } from "../memory/training/bitsandbytes-release.ts";
import type { HoldingRequest } from "../memory/training/holding.ts";
import { type LayerFramework, layerCode } from "../memory/training/layer-code.ts";
import type { LossKind } from "../memory/training/loss.ts";
import type { Holding } from "../memory/training/pass.ts";
import type { PassRequest } from "../memory/training/segments.ts";
import { torchRelease } from "../memory/training/torch-release.ts";
import { lossOfRelease, repeatsKv, transformersRelease } from "../memory/training/transformers-release.ts";
import type { Tokens } from "../units.ts";
import { type EffectiveTrain, shardRanks } from "./effective-train.ts";
import { classesOf, runsTransformers } from "./train-defaults.ts";
import type { Stage } from "./train-stages.ts";
import type { Widths } from "./train-widths.ts";

/** Which weights are trained, packed or adapted, and how wide they are. */
export function holdingRequest(stage: Stage, effective: EffectiveTrain, widths: Widths): HoldingRequest {
  const { method, quantization, kbitPreparation } = effective;
  return {
    method,
    width: widths.compute,
    packed: quantization,
    kbitPreparation,
    packedHead: layerCode(stage.share, layerFramework(effective)).packedHead,
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

/** What a pass is asked beside its stage and model. */
export interface PassOptions {
  readonly holding: Holding;
  readonly widths: Widths;
  readonly effective: EffectiveTrain;
  readonly seqTokens: Tokens;
}

/** How the pass of one micro-batch of `seqTokens` per sequence runs. */
export function passRequest(stage: Stage, whole: Architecture, how: PassOptions): PassRequest {
  const { holding, widths, effective, seqTokens } = how;
  const { parallel } = effective;
  const frozen = effective.method === "lora" || effective.method === "qlora";
  const classes = classesOf(effective);
  const routed = parallel.ep > 1 ? routedExperts(whole) : undefined;
  return {
    // Preference losses run the chosen and the rejected answer together.
    batch: effective.microBatch * (effective.loss === "dpo" ? 2 : 1),
    seqTokens,
    attention: effective.attention,
    autocast: widths.autocast,
    keepsSoftmaxInput: torchRelease(effective.torch).keepsSoftmaxInput,
    holding,
    kernels: {
      fusedNorm: effective.fusedKernels,
      fusedGate: effective.fusedKernels,
      fusedRotary: effective.fusedKernels,
    },
    // Only GPT-BigCode's class did.
    fillsCache: classes?.fillsCache === true && stage.share.family === "gpt_bigcode",
    repeatsKv: classes !== null && repeatsKv(stage.share.family, effective.attention, classes),
    keepsPackedInput:
      effective.quantization.startsWith("nf4") &&
      effective.framework !== "unsloth" &&
      bitsandbytesRelease(effective.bitsandbytes).keepsInput,
    compiled: effective.compile !== "none",
    loss: {
      kind: lossKind(stage.share, effective),
      inPlace: effective.loss === "in-place",
      largeChunks: effective.framework === "unsloth",
      chunks: effective.lossChunks,
      compiled: effective.compile === "all",
      widened: effective.framework === "torchtune",
      widensOutput: widths.autocast && classes !== null,
      hold: effective.holdLogits,
    },
    inputGradients: frozen && effective.checkpointing !== "none",
    sequenceShards: parallel.sequenceParallel ? parallel.tp : 1,
    ...(routed === undefined ? {} : { routedExperts: routed }),
    framework: layerFramework(effective),
    stepBefore: stepBefore(effective),
    ends: stage.ends,
  };
}

/** The loss as it runs: that of preferences is a plain one over both answers; compiled, a plain one is one kernel. */
function lossKind(model: Architecture, { loss, compile, transformers }: EffectiveTrain): LossKind {
  if (loss === "in-place") return lossOfRelease(model, transformersRelease(transformers));
  const kind = loss === "dpo" ? "hf" : loss;
  return compile === "all" && (kind.startsWith("hf") || kind === "plain") ? "compiled" : kind;
}

/**
 * A micro-batch finds gradients of one before it: of the same step, or of the last one where they stay. Megatron's are added to
 * one buffer that exists from the start (`grad_data` in `megatron/core/distributed/param_and_grad_buffer.py`).
 */
export const addsToGradients = (effective: EffectiveTrain): boolean =>
  !effective.optimizerInBackward &&
  (effective.gradAccum > 1 ||
    effective.framework === "megatron" ||
    torchRelease(effective.torch).zeroesGradients) &&
  !longestFirst(effective);

/**
 * With batches of changing length LitGPT's script for adapters (2023, `finetune/lora.py`: `longest_seq_ix if iter_num == 0`) runs
 * the longest sample in the first micro-batch of all, before any gradient exists.
 */
export const longestFirst = ({ framework, lengths, method }: EffectiveTrain): boolean =>
  framework === "litgpt" && lengths === "varied" && (method === "lora" || method === "qlora");

/**
 * LitGPT's loop (`finetune/lora.py`, `fit`) keeps `logits` and `loss` in variables of the loop until the next ones are
 * assigned; with batches of changing length the step before the longest was a short one.
 */
export const stepBefore = (effective: EffectiveTrain): boolean =>
  effective.framework === "litgpt" && effective.lengths === "fixed";

/** Checkpoints whose function runs the layer again before its backward begins: Megatron's and Unsloth's own, PyTorch's where it is told so. */
export const runsReentrant = ({ framework, reentrantCheckpoints }: EffectiveTrain): boolean =>
  framework === "unsloth" ||
  framework === "megatron" ||
  (runsTransformers(framework) && reentrantCheckpoints);

/** Layers of transformers checkpoint themselves, and accelerate wraps them for FSDP1: the checkpoint lies around the unit. */
export const reentrantAround = ({
  framework,
  checkpointing,
  reentrantCheckpoints,
}: EffectiveTrain): boolean =>
  runsTransformers(framework) &&
  (checkpointing === "full" || checkpointing === "offload") &&
  reentrantCheckpoints;

/** FSDP1 divides over several ranks what reentrant checkpoints lie around. */
const reentrantUnits = (effective: EffectiveTrain): boolean =>
  reentrantAround(effective) && effective.parallel.sharding === "fsdp" && shardRanks(effective.parallel) > 1;

/**
 * FSDP1 waits for the gradients of a frozen unit's inputs to free its weights (torch 2.4 `_register_post_backward_reshard_only_hook`). The
 * input of a recomputed layer is a leaf, which its own hook then holds through the node that writes its gradient: input
 * and gradient of every layer live until the hooks go at the end of backward.
 */
export const checkpointsOutlive = (effective: EffectiveTrain): boolean =>
  reentrantUnits(effective) && (effective.method === "lora" || effective.method === "qlora");

function layerFramework(effective: EffectiveTrain): LayerFramework {
  switch (effective.framework) {
    case "litgpt":
      return "litgpt";
    case "fsdp":
    case "torchtune":
      return "torchtitan";
    case "hf":
    case "deepspeed":
      return "hf";
    case "unsloth":
      return "unsloth";
    case "megatron":
      return "megatron";
  }
}

/** Experts that a token is routed to, in the first layer that has any. */
export function routedExperts(model: Architecture): number | undefined {
  for (const stack of model.stacks) {
    for (const kind of stack.kinds)
      if (kind.feedForward.kind === "experts") return kind.feedForward.activeExperts;
  }
  return undefined;
}
