import type { Architecture, Note } from "../../architecture/model.ts";
import { hasVocabularyHead, isEncoder } from "../../architecture/stack.ts";
import { defined } from "../../defined.ts";
import { exactTerm, type Term } from "../../memory/term.ts";
import { deviceShares } from "../../parallelism/share.ts";
import { onceFor } from "../../remember.ts";
import { type Bytes, GiB, groupDigits } from "../../units.ts";
import type { EngineDevice, EngineResult, ServingInput } from "../engine.ts";
import { cudaContext } from "../process-overhead.ts";
import { roundingTerm, weightRounding } from "../torch-allocator.ts";
import { versionRow } from "../versions.ts";
import { type BlockPool, blockPool, blocksPerRequest } from "./block-pool.ts";
import { expertPadding } from "./expert-padding.ts";
import { graphsOf } from "./graphs.ts";
import { type PageOptions, pageLayout } from "./page-layout.ts";
import {
  defaultLimits,
  type ProfilePeak,
  profilePeak,
  rotaryTableBytes,
  type SchedulerLimits,
  samplesInProfile,
} from "./profile.ts";
import { FLASHINFER_SAMPLER, NATIVE_SAMPLER, VLLM_VERSIONS, type VllmVersion } from "./versions.ts";

/** vLLM's flags, by their names there. */
export interface VllmOptions extends Partial<SchedulerLimits>, Omit<PageOptions, "format"> {
  /** `--gpu-memory-utilization`: part of the card's total that the pool may fill. Default 0.92, before 0.20 0.9. */
  readonly gpuMemoryUtilization?: number;
  /** `--enforce-eager`: no CUDA graphs. Default false. */
  readonly enforceEager?: boolean;
  /** Is FlashInfer's sampler there, which sorts nothing? Default: as its releases were mostly run. */
  readonly flashinferSampler?: boolean;
  /** `--kv-cache-memory-bytes`: the pool of a device; utilization and the profile run do not say then. */
  readonly kvCacheMemoryBytes?: Bytes;
  /** `--num-gpu-blocks-override`: blocks of the pool. */
  readonly numGpuBlocks?: number;
}

/**
 * What vLLM needs on each device, and the pool that it makes of the rest.
 *
 *     pool bytes = utilization * total - weights - peak of the profile run - memory outside torch
 *     need       = weights + blocks of the request + peak + outside torch + context + graphs
 *
 * The budget counts from after the driver context, except where the worker looks at the whole card (0.6.4 and older, 0.8 to
 * 0.9.1). CUDA graphs come after the pool; from 0.20 on they are captured on trial and counted. On a pipeline every stage
 * gets as many blocks as the poorest one.
 *
 * @example serveOnVllm({ model: llama_3_1_8b, card: h100, gpuMemoryUtilization: 0.95, ... }).devices[0].pool
 * // { blocks: 29_748, tokens: 475_968, ... } of 79.19 GiB; the log says 476,016
 */
export function serveOnVllm(input: ServingInput & VllmOptions): EngineResult {
  const version = withSampler(versionRow(VLLM_VERSIONS, input.version), input.flashinferSampler);
  const shares = deviceShares(input.model, input.degrees);
  const last = shares.length - 1;
  const stages = shares.map((device, stage) => {
    const parts = stageParts(device.share, { input, version, lastStage: stage === last });
    return { device, parts };
  });
  let blocks = input.numGpuBlocks ?? Number.POSITIVE_INFINITY;
  if (input.numGpuBlocks === undefined)
    for (const { parts } of stages) if (parts.pool !== null) blocks = Math.min(blocks, parts.pool.blocks);
  const devices = stages.map(({ device, parts }): EngineDevice => {
    const pool = parts.pool === null ? null : parts.poolOf(blocks);
    return {
      id: device.id,
      count: device.count,
      held: device.share,
      terms: parts.terms,
      ...(pool === null ? {} : { pool }),
    };
  });
  const limits = limitsOf(input, version);
  const options = {
    gpuMemoryUtilization: input.gpuMemoryUtilization ?? version.utilization,
    ...limits,
    enforceEager: input.enforceEager === true,
    ...defined({
      flashinferSampler: input.flashinferSampler,
      kvCacheMemoryBytes: input.kvCacheMemoryBytes,
      numGpuBlocks: input.numGpuBlocks,
    }),
  };
  const notes = hasStates(input.model) ? stateNotes(devices, limits) : [];
  return { engine: "vllm", version: version.version, options, devices, notes };
}

/** Each sequence of a step keeps a state, and a state takes a block: vLLM does not start with more of them than blocks. */
function stateNotes(devices: readonly EngineDevice[], { maxNumSeqs }: SchedulerLimits): readonly Note[] {
  const pool = devices.find((device) => device.pool !== undefined)?.pool;
  if (pool === undefined || pool.blocks === 0 || pool.blocks >= maxNumSeqs) return [];
  return [
    {
      code: "state-blocks",
      message: `the pool has ${groupDigits(pool.blocks)} blocks for the states of ${groupDigits(maxNumSeqs)} sequences, with which vLLM does not start: --set max-num-seqs=${pool.blocks} does`,
      details: { blocks: pool.blocks, maxNumSeqs },
    },
  ];
}

const hasStates = onceFor((model: Architecture): boolean =>
  model.stacks.some(({ kinds }) =>
    kinds.some(({ mixers }) => mixers.some(({ kind }) => kind === "recurrent" || kind === "conv")),
  ),
);

function withSampler(version: VllmVersion, flashinfer: boolean | undefined): VllmVersion {
  if (flashinfer === undefined) return version;
  return { ...version, samplerBytes: flashinfer ? FLASHINFER_SAMPLER : NATIVE_SAMPLER };
}

function limitsOf(input: ServingInput & VllmOptions, version: VllmVersion): SchedulerLimits {
  const defaults = defaultLimits(input.card, { version, contextTokens: input.contextTokens });
  return {
    maxNumSeqs: input.maxNumSeqs ?? defaults.maxNumSeqs,
    maxBatchedTokens: input.maxBatchedTokens ?? defaults.maxBatchedTokens,
  };
}

interface StageParts {
  readonly terms: readonly Term[];
  readonly pool: BlockPool | null;
  readonly poolOf: (blocks: number) => BlockPool | null;
}

function stageParts(
  share: Architecture,
  at: {
    readonly input: ServingInput & VllmOptions;
    readonly version: VllmVersion;
    readonly lastStage: boolean;
  },
): StageParts {
  const { input, version } = at;
  const limits = limitsOf(input, version);
  const layout = pageLayout(share, input, {
    computeBytes: input.computeBytes,
    padRatio: version.padRatio,
    batchesInFlight: version.batchesInFlight,
  });
  const request = {
    contextTokens: input.contextTokens,
    batchedTokens: limits.maxBatchedTokens,
    ...(input.encoderTokens === undefined ? {} : { encoderTokens: input.encoderTokens }),
  };
  const terms: Term[] = [];
  if (layout !== null) {
    const sequences = Math.ceil(input.sequences / input.degrees.dp);
    const each = blocksPerRequest(layout, request);
    terms.push(
      exactTerm("kv-cache", sequences * each * layout.bytesPerBlock, CACHE_FORMULA, {
        sequences,
        each,
        block: layout.bytesPerBlock,
      }),
    );
  }
  const peak = profilePeak(share, {
    limits,
    computeBytes: input.computeBytes,
    version,
    eager: input.enforceEager === true || version.scheduler.engine === "v0",
    sampler:
      at.lastStage &&
      !isEncoder(share) &&
      hasVocabularyHead(share) &&
      samplesInProfile(version, input.contextTokens),
  });
  const nonTorchGiB = nonTorchOf(version, input.degrees.tp);
  const nonTorch = Math.round(nonTorchGiB * GiB);
  const rotary = rotaryTableBytes(share, input.computeBytes);
  const captured = input.enforceEager === true ? null : graphsOf(share, version, limits.maxNumSeqs);
  const graphs = captured === null ? 0 : captured.bytes;
  const stored = input.storage.bytesOf(share);
  const rounding =
    input.storage.scheme === undefined
      ? weightRounding(share, Math.round(stored / Math.max(1, share.parameters.stored)))
      : expertPadding(share, input.storage.scheme, input.card?.generation);
  terms.push(...peakTerms(peak));
  terms.push(runtimeTerm(nonTorchGiB, input.card?.generation), {
    id: "workspace",
    bytes: rotary + graphs,
    low: rotary + Math.floor(graphs * 0.5),
    high: rotary + Math.ceil(graphs * 1.5),
    basis: "modelled",
    formula: `{rotary} B of rotary tables${captured === null ? "" : ` + ${captured.explained.formula}`}`,
    inputs: { rotary, ...captured?.explained.inputs },
  });
  if (rounding > 0) terms.push(roundingTerm(rounding, "of padding for kernels and rounding up to segments"));
  const poolOf = (bytes: Bytes): BlockPool | null =>
    layout === null ? null : blockPool(layout, { ...request, bytes, report: version.poolReport });
  if (input.card === undefined || layout === null) return { terms, pool: null, poolOf: () => null };
  const budget = (input.gpuMemoryUtilization ?? version.utilization) * input.card.totalBytes;
  const besides = input.besides?.({ held: share, last: at.lastStage });
  const weights = stored + rounding + rotary + (besides === undefined ? 0 : besides);
  const context = version.outside === "card" ? cudaContext(input.card.generation).bytes : 0;
  const captures = version.graphsInBudget ? graphs : 0;
  const free = budget - weights - peak.activations - peak.logits - nonTorch - context - captures;
  return {
    terms,
    pool: poolOf(input.kvCacheMemoryBytes ?? Math.max(0, free)),
    poolOf: (blocks) => poolOf(blocks * layout.bytesPerBlock),
  };
}

const CACHE_FORMULA = "{sequences} sequences x {each} blocks x {block} B";

function peakTerms({ activations, logits, explained }: ProfilePeak): Term[] {
  const band = (bytes: Bytes): Pick<Term, "bytes" | "low" | "high"> => ({
    bytes,
    low: Math.floor(bytes * 0.85),
    high: Math.ceil(bytes * 1.3),
  });
  return [
    { id: "activations", ...band(activations), basis: "modelled", ...explained.activations },
    ...(logits > 0
      ? [{ id: "logits", ...band(logits), basis: "modelled", ...explained.logits } as const]
      : []),
  ];
}

function nonTorchOf({ nonTorchGiB }: VllmVersion, tp: number): number {
  const { one, pair, many } = nonTorchGiB;
  return tp > 2 ? many : tp === 2 ? pair : one;
}

function runtimeTerm(nonTorchGiB: number, generation: string | undefined): Term {
  const context = cudaContext(generation);
  const nonTorch = Math.round(nonTorchGiB * GiB);
  return {
    id: "runtime",
    bytes: context.bytes + nonTorch,
    low: context.low + Math.floor(nonTorch * 0.5),
    high: context.high + Math.ceil(nonTorch * 1.5),
    basis: "modelled",
    formula: "{context} MiB of driver context + {nonTorch} GiB outside torch",
    inputs: { context: context.bytes / 2 ** 20, nonTorch: nonTorchGiB },
  };
}
