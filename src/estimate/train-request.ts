/** What may be asked of a training estimate. */
import type { LoraTargets } from "../adapters/lora-targets.ts";
import type { PackedFormat, TrainMethod } from "../memory/training/holding.ts";
import type { LossKind } from "../memory/training/loss.ts";
import type { AttentionCode } from "../memory/training/pass.ts";
import type { Sharding } from "../memory/training/sharding.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { FrameworkName } from "./train-names.ts";

/**
 * Types of weights, gradients and compute.
 * `bf16`, `fp16`, `fp32` everything in it; `amp-*` fp32 weights under 16-bit autocast (with a frozen base: a 16-bit
 * base under autocast); `bf16-master`, `fp16-master` 16-bit weights with fp32 master weights and states; `fp8` as
 * bf16-master with 8-bit products.
 */
export const PRECISIONS = [
  "bf16",
  "fp16",
  "fp32",
  "amp-bf16",
  "amp-fp16",
  "bf16-master",
  "fp16-master",
  "fp8",
] as const;
export type Precision = (typeof PRECISIONS)[number];

/** What is trained: all weights, adapters, adapters over a packed base, or the last layers. */
export const METHODS = ["full", "lora", "qlora", "freeze"] as const satisfies readonly TrainMethod[];

/** Attention implementations that keep different tensors for backward. */
export const ATTENTIONS = ["sdpa", "flash", "eager"] as const satisfies readonly AttentionCode[];

/** How the loss is computed, which decides how often the logits exist. */
export const LOSSES = [
  "hf",
  "hf-upcast",
  "hf-shifted",
  "hf-narrow",
  "in-place",
  "plain",
  "compiled",
  "chunked",
  "chunked-recompute",
  "fused",
  "vocab-parallel",
  "mse",
  "bce",
  "kl",
  "dpo",
] as const satisfies readonly (LossKind | "in-place" | "dpo")[];

/** How data-parallel ranks divide gradients, states and weights. */
export const SHARDINGS = [
  "none",
  "ddp",
  "zero1",
  "zero2",
  "zero3",
  "fsdp",
  "fsdp2",
  "simple-fsdp",
] as const satisfies readonly Sharding[];

/** What torch.compile runs. */
export const COMPILED = ["none", "layers", "all"] as const;

/** Order of forward and backward over pipeline stages. */
export const SCHEDULES = ["gpipe", "1f1b", "interleaved"] as const;
export type Schedule = (typeof SCHEDULES)[number];
export const ADAPTER_FORMATS = ["fp32", "bf16", "fp16"] as const;
export const QUANTIZATIONS = [
  "nf4",
  "nf4-dq",
  "int8",
  "int4-g128",
] as const satisfies readonly PackedFormat[];

/** Training code whose choices are modelled. */
export const FRAMEWORKS = ["hf", "unsloth", "torchtune", "litgpt", "deepspeed", "fsdp", "megatron"] as const;
export type Framework = (typeof FRAMEWORKS)[number];

export interface ParallelRequest {
  readonly tp?: number;
  readonly pp?: number;
  readonly ep?: number;
  readonly dp?: number;
  readonly cp?: number;
  /** Groups of data-parallel ranks that each hold the divided states once (HSDP, MiCS): a divisor of `dp`. */
  readonly dpReplicate?: number;
  /** Norms and residuals divide the sequence over the tensor-parallel ranks. */
  readonly sequenceParallel?: boolean;
  readonly sharding?: Sharding;
  readonly schedule?: Schedule;
  /** Layer chunks per rank of the interleaved schedule. */
  readonly virtualStages?: number;
  readonly reshardAfterForward?: boolean;
  /** Optimizer states and master weights live on the host. */
  readonly offloadOptimizer?: boolean;
  /** Sharded weights and gradients live on the host. */
  readonly offloadWeights?: boolean;
}

export interface TrainRequest {
  readonly method?: TrainMethod;
  readonly precision?: Precision;
  readonly seqTokens?: Tokens;
  readonly microBatch?: number;
  readonly gradAccum?: number;
  readonly optimizer?: string;
  /** Every weight is stepped when its gradient is made, so that gradients are never all there (torchtune, LOMO). */
  readonly optimizerInBackward?: boolean;
  /** Rank of GaLore's and APOLLO's states. */
  readonly optimizerRank?: number;
  /**
   * `none`, `full`, `selective` (by operation: every second product and attention are kept), a number n (one checkpoint for
   * n layers), `nth=n` (every n-th layer, the others keep everything), or `offload` (checkpoints on the host).
   */
  readonly checkpointing?: "none" | "full" | "selective" | "offload" | `nth=${number}` | number;
  readonly attention?: AttentionCode;
  readonly loss?: LossKind | "in-place" | "dpo";
  readonly lossChunks?: number;
  /** The training loop keeps the model's output, and so the logits, alive during backward. */
  readonly holdLogits?: boolean;
  readonly framework?: FrameworkName;
  /** Release of PyTorch, such as "1.10": old ones keep more (`torch-release.ts`). */
  readonly torch?: string;
  /** Release of transformers, such as "4.48": its loss, and whether experts are modules (`transformers-release.ts`). */
  readonly transformers?: string;
  /** Release of bitsandbytes, such as "0.43.1": before 0.43.2 every 4-bit linear keeps its input (default: that of the time of transformers). */
  readonly bitsandbytes?: string;
  /** `use_reentrant` of transformers' checkpoints: on before 5.0 unless said. */
  readonly reentrantCheckpoints?: boolean;
  /** `fixed` for packed or padded batches; `varied` when every batch is as long as its longest sample. */
  readonly lengths?: "fixed" | "varied";
  /** `expandable_segments:True` in PYTORCH_CUDA_ALLOC_CONF: freed memory of any size serves any other (`caching-allocator.ts`). */
  readonly expandableSegments?: boolean;
  /** torch.compile around every layer, or around `all`: the layers and the loss. */
  readonly compile?: "none" | "layers" | "all";
  /** Liger-style kernels for norm, gate and rotary. */
  readonly fusedKernels?: boolean;
  readonly loraRank?: number;
  readonly loraTargets?: LoraTargets;
  readonly loraDropout?: number;
  readonly adapterFormat?: (typeof ADAPTER_FORMATS)[number];
  /**
   * Format of the frozen base under autocast. fp32 weights, as LitGPT's bf16-mixed and a model loaded without a `dtype` leave
   * them, take 4 bytes each, and their 16-bit copies 2 more until backward has read them.
   */
  readonly baseFormat?: "fp32" | "16-bit";
  readonly dora?: boolean;
  /** rsLoRA changes a scale, no size: accepted so that scripts can say it. */
  readonly rslora?: boolean;
  /** How QLoRA stores the frozen linears. */
  readonly quantization?: PackedFormat;
  /** PEFT's `prepare_model_for_kbit_training`: what is not packed becomes fp32. Only where PEFT makes the adapters, unless said. */
  readonly kbitPreparation?: boolean;
  /** Last layers that train when the method is `freeze`. */
  readonly unfrozenLayers?: number;
  /**
   * The frozen model that preference and distillation losses compare with: `resident` beside the trained one (with adapters
   * it is the base with them switched off), or `precomputed`, its log-probabilities written down before training.
   */
  readonly reference?: "resident" | "precomputed";
  /**
   * Vision and audio towers of the model: `left-out`, as where the language model is loaded alone, or `frozen`, their weights on the
   * card beside it. What they make of images or sound comes in as tokens of the sequence.
   */
  readonly towers?: "left-out" | "frozen";
  /** Driver context and kernels of one process, where they were measured; 500 MiB with lazy loading. */
  readonly contextBytes?: Bytes;
  /** What the card has, where it is known: the allocator's cache then never counts beyond it. 0 for any card. */
  readonly deviceBytes?: Bytes;
  readonly parallel?: ParallelRequest;
}
