/** A training request with every default filled in and checked. */
import type { NamedTargets } from "../adapters/lora-targets.ts";
import { namedTargets } from "../adapters/named-targets.ts";
import type { Architecture } from "../architecture/model.ts";
import { hasVocabularyHead } from "../architecture/stack.ts";
import { nearestNames, VramCalcError } from "../errors.ts";
import { BITSANDBYTES_KEEPING, bitsandbytesRelease } from "../memory/training/bitsandbytes-release.ts";
import { optimizerByName } from "../memory/training/optimizers.ts";
import { CONTEXT_BYTES } from "../memory/training/reserved.ts";
import { dividedBy } from "../memory/training/sharding.ts";
import { TORCH_READ, torchRelease } from "../memory/training/torch-release.ts";
import { TRANSFORMERS_READ, transformersRelease } from "../memory/training/transformers-release.ts";
import type { Bytes, Tokens } from "../units.ts";
import { checkTrainRequest } from "./option-kinds.ts";
import { expandsSegments, frameworkDefaults, ownAdapterFormat } from "./train-defaults.ts";
import { frameworkOf } from "./train-names.ts";
import {
  ADAPTER_FORMATS,
  ATTENTIONS,
  COMPILED,
  FRAMEWORKS,
  type Framework,
  LOSSES,
  METHODS,
  type ParallelRequest,
  PRECISIONS,
  QUANTIZATIONS,
  SCHEDULES,
  SHARDINGS,
  type TrainRequest,
} from "./train-request.ts";

export type EffectiveParallel = Required<ParallelRequest>;

/**
 * Ranks that divide the states among them: all that see other data, or those of one group.
 *
 * @example shardRanks({ dp: 64, cp: 1, dpReplicate: 8 }) // 8: eight servers with a copy each, divided over eight cards
 */
export const shardRanks = ({ dp, cp, dpReplicate }: Pick<EffectiveParallel, "dp" | "cp" | "dpReplicate">) =>
  (dp * cp) / dpReplicate;
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
  const framework = oneOf("--framework", frameworkOf(request.framework ?? "hf"), FRAMEWORKS);
  const transformers = request.transformers ?? TRANSFORMERS_READ;
  const release = transformersRelease(transformers);
  const bitsandbytes =
    request.bitsandbytes ?? (framework === "litgpt" ? BITSANDBYTES_KEEPING : release.bitsandbytes);
  bitsandbytesRelease(bitsandbytes);
  const usual = frameworkDefaults(model, framework, release);
  const checkpointing = request.checkpointing ?? usual.checkpointing;
  if (typeof checkpointing === "number") whole("--checkpointing every", checkpointing, 1, 10_000);
  const torch = request.torch ?? TORCH_READ;
  const { since2 } = torchRelease(torch);
  const attention = oneOf("--attention", request.attention ?? (since2 ? "sdpa" : "eager"), ATTENTIONS);
  const compile = oneOf("--compile", request.compile ?? "none", COMPILED);
  if (!since2 && attention === "sdpa")
    fail("--attention", `sdpa with PyTorch ${torch}`, "eager or flash, or --torch 2.0 or newer");
  if (!since2 && compile !== "none")
    fail("--compile", `${compile} with PyTorch ${torch}`, "none, or --torch 2.0 or newer");
  const parallel = effectiveParallel(request.parallel ?? {}, usual.dividesSequence);
  const precision = oneOf("--precision", request.precision ?? "bf16", PRECISIONS);
  // PEFT's prepare_model_for_kbit_training (`peft/utils/other.py`) casts nothing in GPTQ models, and trainers leave it out where
  // weights are divided (TRL's `is_sharded_qlora`: they still lie on the host).
  const sharded =
    dividedBy(parallel.sharding).weights && (shardRanks(parallel) > 1 || parallel.offloadWeights);
  const kbitPreparation =
    request.kbitPreparation ?? (usual.kbitPreparation && !sharded && request.quantization !== "int4-g128");
  // It leaves all but the packed linears in fp32: without autocast the whole step would run in fp32, and grouped heads
  // in no fused kernel. What trains such models (Trainer with bf16=True) turns it on.
  const autocasts =
    request.method === "qlora" &&
    (framework === "unsloth" || (framework === "hf" && (kbitPreparation || sharded)));
  return {
    method: oneOf("--method", request.method ?? "full", METHODS),
    precision: request.precision === undefined && autocasts ? "amp-bf16" : precision,
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
    transformers,
    bitsandbytes,
    reentrantCheckpoints: request.reentrantCheckpoints ?? release.reentrantCheckpoints,
    expandableSegments: request.expandableSegments ?? expandsSegments(request.framework ?? "hf"),
    lengths: oneOf("--lengths", request.lengths ?? "fixed", ["fixed", "varied"] as const),
    compile,
    fusedKernels: request.fusedKernels ?? usual.fusedKernels,
    loraRank: whole("--lora-r", request.loraRank ?? 16, 1, 65_536),
    loraTargets: namedTargets(model, request.loraTargets ?? "all-linear"),
    loraDropout: probability(request.loraDropout ?? (frozen ? usual.loraDropout : 0)),
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
    dpReplicate: replicaGroups(degree("dp-replicate", request.dpReplicate), dp),
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

/** Groups of data-parallel ranks, each of which holds the divided states once. */
function replicaGroups(groups: number, dp: number): number {
  if (dp % groups !== 0) fail("--dp-replicate", String(groups), `a divisor of --dp ${dp}`);
  return groups;
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
