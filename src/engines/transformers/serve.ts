import type { Architecture } from "../../architecture/model.ts";
import { exactTerm, type Term } from "../../memory/term.ts";
import { deviceShares } from "../../parallelism/share.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { cacheLayers } from "../cache-layers.ts";
import type { EngineDevice, EngineResult, ServingInput } from "../engine.ts";
import { peakElements, widestLayer } from "../layer-widths.ts";
import { communicationTerm, contextTerm, cublasWorkspace, talkingRanks } from "../process-overhead.ts";
import { versionRow } from "../versions.ts";
import { staticCacheBytes, transformersCacheBytes } from "./cache.ts";
import { TRANSFORMERS_VERSIONS, type TransformersVersion } from "./versions.ts";

export interface TransformersOptions {
  readonly attention?: "flash" | "sdpa" | "eager";
  /** Tokens of the prompt; the rest of the context is generated. Default: the whole context. */
  readonly promptTokens?: Tokens;
  /** `cache_implementation`. Default "dynamic". */
  readonly cache?: "dynamic" | "static";
}

/**
 * generate() on each device.
 *
 *     cache        DynamicCache at its longest, with what views still pin after the prefill
 *     activations  sequences * prompt * (4 hidden + widest feed-forward or mixer) * compute bytes;
 *                  eager: + scores of one layer, sequences * heads * prompt^2 * (2 compute + 4)
 *     logits       sequences * positions * vocabulary * (compute + 4): the last position, all before 4.45
 *     allocator    a DynamicCache grows by concatenation, and the blocks that it leaves are a token too short
 *                  for the next ones: a whole second copy stays reserved. Only one layer's is in use at a
 *                  time, and a full card gets the rest back, so the band starts at one layer
 *     workspace    cuBLAS handle
 *
 * Readings for the allocator: Qwen-7B and 14B generating 2048 tokens take weights, context and 2.1 times the
 * cache; 7B at 8192 tokens 2.05 times, at 32 sequences 2.1 times (Qwen README, in GiB: decimal would be less
 * than the weights).
 *
 * @example serveOnTransformers({ model: llama_3_1_8b, contextTokens: 8192, ... }).devices[0].terms
 */
export function serveOnTransformers(input: ServingInput & TransformersOptions): EngineResult {
  const version = versionRow(TRANSFORMERS_VERSIONS, input.version);
  const shares = deviceShares(input.model, input.degrees);
  const devices = shares.map(
    (device, stage): EngineDevice => ({
      id: device.id,
      count: device.count,
      held: device.share,
      terms: stageTerms(device.share, { input, version, lastStage: stage === shares.length - 1 }),
    }),
  );
  return { engine: "transformers", version: version.version, devices, notes: [] };
}

function stageTerms(
  share: Architecture,
  at: {
    readonly input: ServingInput & TransformersOptions;
    readonly version: TransformersVersion;
    readonly lastStage: boolean;
  },
): readonly Term[] {
  const { input, version } = at;
  const { contextTokens, computeBytes, degrees, card } = input;
  const sequences = Math.ceil(input.sequences / degrees.dp);
  const prompt = Math.min(input.promptTokens ?? contextTokens, contextTokens);
  const cache = cacheOf(share, { input, version, sequences });
  const terms: Term[] = [];
  if (cache > 0)
    terms.push(
      exactTerm("kv-cache", cache, "{sequences} sequences of {contextTokens} tokens", {
        sequences,
        contextTokens,
      }),
    );
  terms.push(activationsTerm(share, { sequences, prompt, computeBytes, eager: input.attention === "eager" }));
  if (at.lastStage) {
    const positions = version.prefillLogits === "all" ? prompt : 1;
    const logits = sequences * positions * share.vocabSize * (computeBytes + 4);
    terms.push({
      id: "logits",
      bytes: logits,
      low: Math.floor(logits / 2),
      high: logits * 2,
      basis: "modelled",
      formula: "{sequences} x {positions} x {vocabulary} x {each} B",
      inputs: { sequences, positions, vocabulary: share.vocabSize, each: computeBytes + 4 },
    });
  }
  if (input.cache !== "static" && cache > 0) terms.push(growthTerm(share, cache));
  const communication = communicationTerm(talkingRanks(degrees));
  if (communication !== null) terms.push(communication);
  const cublas = cublasWorkspace(card?.generation);
  terms.push(
    {
      id: "workspace",
      bytes: cublas,
      low: cublas,
      high: 2 * cublas,
      basis: "modelled",
      formula: "cuBLAS workspace {cublas} B",
      inputs: { cublas },
    },
    contextTerm(card?.generation),
  );
  return terms;
}

function cacheOf(
  share: Architecture,
  at: {
    readonly input: ServingInput & TransformersOptions;
    readonly version: TransformersVersion;
    readonly sequences: number;
  },
): Bytes {
  const { input, version, sequences } = at;
  const { contextTokens, format } = input;
  if (input.cache === "static")
    return staticCacheBytes(share, { maxTokens: contextTokens, sequences, format });
  const prompt = Math.min(input.promptTokens ?? contextTokens, contextTokens);
  const base = {
    sequences,
    format,
    convBytes: input.computeBytes,
    latentCache: version.latentCache,
    ...(input.encoderTokens === undefined ? {} : { encoderTokens: input.encoderTokens }),
  } as const;
  const pinned = transformersCacheBytes(share, { ...base, contextTokens: prompt, moment: "after-prefill" });
  const last = Math.max(0, contextTokens - 1);
  const grown = transformersCacheBytes(share, { ...base, contextTokens: last, moment: "after-step" });
  return Math.max(pinned, grown);
}

function activationsTerm(
  share: Architecture,
  at: {
    readonly sequences: number;
    readonly prompt: Tokens;
    readonly computeBytes: number;
    readonly eager: boolean;
  },
): Term {
  const { sequences, prompt, computeBytes } = at;
  const each = peakElements(widestLayer(share));
  const tokens = sequences * prompt;
  const scores = at.eager ? tokens * prompt * queryHeadsOf(share) * (2 * computeBytes + 4) : 0;
  const bytes = tokens * each * computeBytes + scores;
  return {
    id: "activations",
    bytes,
    low: Math.floor(bytes * 0.7),
    high: Math.ceil(bytes * 1.4),
    basis: "modelled",
    formula: "{tokens} tokens x {each} x {width} B + {scores} B of scores",
    inputs: { tokens, each, width: computeBytes, scores },
  };
}

function queryHeadsOf(share: Architecture): number {
  let heads = 0;
  for (const { mixer } of cacheLayers(share))
    if ("queryHeads" in mixer) heads = Math.max(heads, mixer.queryHeads);
  return heads;
}

function growthTerm(share: Architecture, cache: Bytes): Term {
  let layers = 0;
  for (const row of cacheLayers(share)) layers += row.layers;
  const oneLayer = Math.ceil(cache / Math.max(1, layers));
  return {
    id: "allocator",
    bytes: cache,
    low: oneLayer,
    high: Math.ceil(cache * 1.3),
    basis: "modelled",
    formula: "a second copy of the {cache} B of cache, left behind as it grows",
    inputs: { cache },
  };
}
