import type { LoraTargets, NamedTargets } from "../adapters/lora-targets.ts";
import { namedTargets } from "../adapters/named-targets.ts";
import type { Architecture } from "../architecture/model.ts";
import { hasVocabularyHead } from "../architecture/stack.ts";
import { nearestNames, VramCalcError } from "../errors.ts";
import type { PackedFormat, TrainMethod } from "../memory/training/holding.ts";
import type { LossKind } from "../memory/training/loss.ts";
import { optimizerByName } from "../memory/training/optimizers.ts";
import type { AttentionCode } from "../memory/training/pass.ts";
import { CONTEXT_BYTES } from "../memory/training/reserved.ts";
import { dividedBy, type Sharding } from "../memory/training/sharding.ts";
import { TORCH_READ, torchRelease } from "../memory/training/torch-release.ts";
import type { Bytes, Tokens } from "../units.ts";
import { checkTrainRequest } from "./option-kinds.ts";
import { frameworkDefaults, ownAdapterFormat } from "./train-defaults.ts";
import { type FrameworkName, frameworkOf } from "./train-names.ts";

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

export const METHODS = ["full", "lora", "qlora", "freeze"] as const satisfies readonly TrainMethod[];
export const ATTENTIONS = ["sdpa", "flash", "eager"] as const satisfies readonly AttentionCode[];
export const LOSSES = [
  "hf",
  "hf-upcast",
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
] as const satisfies readonly (LossKind | "dpo")[];
export const SHARDINGS = [
  "none",
  "ddp",
  "zero1",
  "zero2",
  "zero3",
  "fsdp",
  "fsdp2",
] as const satisfies readonly Sharding[];
export const COMPILED = ["none", "layers", "all"] as const;
export const SCHEDULES = ["gpipe", "1f1b", "interleaved"] as const;
export type Schedule = (typeof SCHEDULES)[number];
export const ADAPTER_FORMATS = ["fp32", "bf16", "fp16"] as const;
export const QUANTIZATIONS = [
  "nf4",
  "nf4-dq",
  "int8",
  "int4-g128",
] as const satisfies readonly PackedFormat[];
export const FRAMEWORKS = ["hf", "torchtune", "litgpt", "deepspeed", "fsdp", "megatron"] as const;
export type Framework = (typeof FRAMEWORKS)[number];

export interface ParallelRequest {
  readonly tp?: number;
  readonly pp?: number;
  readonly ep?: number;
  readonly dp?: number;
  readonly cp?: number;
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
  readonly loss?: LossKind | "dpo";
  readonly lossChunks?: number;
  /** The training loop keeps the model's output, and so the logits, alive during backward. */
  readonly holdLogits?: boolean;
  readonly framework?: FrameworkName;
  /** Release of PyTorch, such as "1.10": old ones keep more (`torch-release.ts`). */
  readonly torch?: string;
  /** `fixed` for packed or padded batches; `varied` when every batch is as long as its longest sample. */
  readonly lengths?: "fixed" | "varied";
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

export type EffectiveParallel = Required<ParallelRequest>;
export type EffectiveTrain = Required<Omit<TrainRequest, "parallel" | "loraTargets" | "framework">> & {
  readonly framework: Framework;
  readonly loraTargets: NamedTargets;
  readonly parallel: EffectiveParallel;
};

const ANY_CARD: Bytes = 0;
const DEFAULT_SEQ_TOKENS: Tokens = 2048;

/**
 * The request with every default filled in and checked.
 *
 * @throws bad-option, unknown-name
 */
export function effectiveTrain(model: Architecture, request: TrainRequest): EffectiveTrain {
  checkTrainRequest(model, request);
  const frozen = request.method === "lora" || request.method === "qlora";
  const longest = model.maxContextTokens ?? DEFAULT_SEQ_TOKENS;
  const checkpointing = request.checkpointing ?? "none";
  if (typeof checkpointing === "number") whole("--checkpointing every", checkpointing, 1, 10_000);
  const torch = request.torch ?? TORCH_READ;
  const { since2 } = torchRelease(torch);
  const attention = oneOf("--attention", request.attention ?? (since2 ? "sdpa" : "eager"), ATTENTIONS);
  const compile = oneOf("--compile", request.compile ?? "none", COMPILED);
  if (!since2 && attention === "sdpa")
    fail("--attention", `sdpa with PyTorch ${torch}`, "eager or flash, or --torch 2.0 or newer");
  if (!since2 && compile !== "none")
    fail("--compile", `${compile} with PyTorch ${torch}`, "none, or --torch 2.0 or newer");
  const framework = oneOf("--framework", frameworkOf(request.framework ?? "hf"), FRAMEWORKS);
  const usual = frameworkDefaults(model, framework);
  const parallel = effectiveParallel(request.parallel ?? {}, usual.dividesSequence);
  const precision = oneOf("--precision", request.precision ?? "bf16", PRECISIONS);
  // PEFT's prepare_model_for_kbit_training (`peft/utils/other.py`) casts nothing in GPTQ models.
  const kbitPreparation = request.kbitPreparation ?? (usual.peft && request.quantization !== "int4-g128");
  // It leaves all but the packed linears in fp32: without autocast the whole step would run in fp32, and grouped heads
  // in no fused kernel. What trains such models (Trainer with bf16=True) turns it on.
  const preparedBase = request.method === "qlora" && framework === "hf" && kbitPreparation;
  return {
    method: oneOf("--method", request.method ?? "full", METHODS),
    precision: request.precision === undefined && preparedBase ? "amp-bf16" : precision,
    seqTokens: whole("--seq", request.seqTokens ?? Math.min(DEFAULT_SEQ_TOKENS, longest), 1, 2 ** 40),
    microBatch: whole("--micro-batch", request.microBatch ?? 1, 1, 2 ** 30),
    gradAccum: whole("--grad-accum", request.gradAccum ?? 1, 1, 2 ** 30),
    optimizer: optimizerByName(request.optimizer ?? (since2 ? "adamw-fused" : "adamw-loop")).id,
    optimizerInBackward: inBackward(request, framework),
    optimizerRank: whole("--optimizer-rank", request.optimizerRank ?? 128, 1, 1e6),
    checkpointing:
      typeof checkpointing === "number" || /^nth=[1-9]\d{0,4}$/.test(checkpointing)
        ? checkpointing
        : oneOf(
            "--checkpointing",
            checkpointing as "none",
            ["none", "full", "selective", "offload"] as const,
          ),
    attention,
    loss: lossFor(model, oneOf("--loss", request.loss ?? usual.loss, LOSSES)),
    holdLogits: request.holdLogits ?? false,
    // A compiled loss is laid out chunk by chunk.
    lossChunks: whole("--loss-chunks", request.lossChunks ?? 8, 1, 4096),
    framework,
    torch,
    lengths: oneOf("--lengths", request.lengths ?? "fixed", ["fixed", "varied"] as const),
    compile,
    fusedKernels: request.fusedKernels ?? usual.fusedKernels,
    loraRank: whole("--lora-r", request.loraRank ?? 16, 1, 65_536),
    loraTargets: namedTargets(model, request.loraTargets ?? "all-linear"),
    loraDropout: probability(request.loraDropout ?? (frozen ? 0.05 : 0)),
    adapterFormat: oneOf(
      "--adapter-dtype",
      request.adapterFormat ?? (usual.peft ? "fp32" : ownAdapterFormat(precision)),
      ADAPTER_FORMATS,
    ),
    baseFormat: oneOf("--base-dtype", request.baseFormat ?? usual.baseFormat, ["fp32", "16-bit"] as const),
    dora: request.dora ?? false,
    rslora: request.rslora ?? false,
    quantization: oneOf("--quantization", request.quantization ?? "nf4-dq", QUANTIZATIONS),
    kbitPreparation,
    unfrozenLayers: whole("--unfrozen-layers", request.unfrozenLayers ?? 2, 1, 1e6),
    reference: oneOf("--reference", request.reference ?? "resident", ["resident", "precomputed"] as const),
    towers: oneOf("--towers", request.towers ?? "left-out", ["left-out", "frozen"] as const),
    contextBytes: whole("--context-bytes", request.contextBytes ?? CONTEXT_BYTES, 0, 2 ** 40),
    deviceBytes: whole("--device-bytes", request.deviceBytes ?? ANY_CARD, 0, Number.MAX_SAFE_INTEGER),
    parallel,
  };
}

function effectiveParallel(request: ParallelRequest, dividesSequence: boolean): EffectiveParallel {
  const degree = (name: string, value: number | undefined): number =>
    whole(`--${name}`, value ?? 1, 1, 1_000_000);
  const dp = degree("dp", request.dp);
  const sharding = oneOf("--sharding", request.sharding ?? (dp > 1 ? "ddp" : "none"), SHARDINGS);
  const offloadWeights = request.offloadWeights === true && dividedBy(sharding).weights;
  const parallel: EffectiveParallel = {
    tp: degree("tp", request.tp),
    pp: degree("pp", request.pp),
    ep: degree("ep", request.ep),
    dp,
    cp: degree("cp", request.cp),
    sequenceParallel: request.sequenceParallel ?? (dividesSequence && (request.tp ?? 1) > 1),
    sharding,
    schedule: oneOf("--schedule", request.schedule ?? "1f1b", SCHEDULES),
    virtualStages: degree("virtual-stages", request.virtualStages),
    reshardAfterForward: request.reshardAfterForward ?? true,
    // FSDP steps where the weights are (`CPUOffload`, `CPUOffloadPolicy`); ZeRO is asked for each.
    offloadOptimizer: request.offloadOptimizer ?? (offloadWeights && sharding !== "zero3"),
    offloadWeights,
  };
  const world = parallel.tp * parallel.pp * parallel.dp * parallel.cp;
  if (world > 1_000_000)
    fail("--tp, --pp, --dp and --cp", `${world} devices`, "at most 1,000,000 devices together");
  return parallel;
}

/** A step for each gradient leaves none to add the next micro-batch's to, and none to reduce in buckets or average late. */
function inBackward(request: TrainRequest, framework: Framework): boolean {
  const { optimizerInBackward = false, gradAccum = 1, parallel } = request;
  if (!optimizerInBackward) return false;
  if (gradAccum > 1) fail("--optimizer-in-backward", `--grad-accum ${gradAccum}`, "--grad-accum 1");
  if (framework === "megatron" || framework === "deepspeed" || parallel?.sharding?.startsWith("zero"))
    fail(
      "--optimizer-in-backward",
      "a framework with gradient buffers of its own",
      "torchtune, hf, fsdp or litgpt",
    );
  return true;
}

function whole(option: string, value: number, from: number, to: number): number {
  if (Number.isSafeInteger(value) && value >= from && value <= to) return value;
  return fail(option, String(value), `a whole number from ${from} to ${to}`);
}

/** Preferences and distillation compare what two models predict. */
function lossFor(model: Architecture, loss: EffectiveTrain["loss"]): EffectiveTrain["loss"] {
  if ((loss !== "dpo" && loss !== "kl") || hasVocabularyHead(model)) return loss;
  return fail(
    "--loss",
    `${loss} and a ${model.family} model without a head over its vocabulary`,
    "mse, bce or hf, or a model that predicts tokens",
  );
}

function probability(value: number): number {
  if (value >= 0 && value < 1) return value;
  return fail("--lora-dropout", String(value), "a number from 0 up to, not including, 1");
}

function oneOf<T extends string>(option: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  throw new VramCalcError("unknown-name", {
    kind: option,
    name: String(value),
    nearest: nearestNames(String(value), known),
    hint: `known: ${known.join(", ")}`,
  });
}

function fail(option: string, given: string, expected: string): never {
  throw new VramCalcError("bad-option", { option, given, expected });
}
