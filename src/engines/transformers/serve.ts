import type { Architecture } from "../../architecture/model.ts";
import { headPositions } from "../../architecture/stack.ts";
import { exactSum, sumTerms, type Term } from "../../memory/term.ts";
import { deviceShares } from "../../parallelism/share.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { type CachePartRow, cacheSum, rowsBytes } from "../cache-sum.ts";
import type { EngineDevice, EngineResult, ServingInput } from "../engine.ts";
import { communicationTerm, contextTerm, cublasWorkspace, talkingRanks } from "../process-overhead.ts";
import { versionRow } from "../versions.ts";
import { staticCacheRows, transformersCacheRows } from "./cache.ts";
import { growthTerm, pinnedElements } from "./growth.ts";
import { prefillTerms } from "./prefill.ts";
import { unpackedBytes } from "./unpacking.ts";
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
 *     activations  the widest layer of the prompt, or what the logits need beside them: see prefill.ts
 *     logits       the last position; all before 4.45, and of an encoder
 *     allocator    old cache beside the new one, see growth.ts
 *     workspace    cuBLAS handle; the unpacked copy of a 4-bit matrix while a prompt is read
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
  const { rows, grown } = cacheOf(share, { input, version, sequences });
  const cache = sequences * rowsBytes(rows);
  const terms: Term[] = [];
  if (cache > 0) terms.push(exactSum("kv-cache", cache, cacheSum(rows, { times: ["sequences", sequences] })));
  const read = prefillTerms(share, {
    sequences,
    prompt,
    computeBytes,
    eager: input.attention === "eager",
    positions: at.lastStage
      ? headPositions(share, { ofEncoder: prompt, ofDecoder: version.prefillLogits === "all" ? prompt : 1 })
      : 0,
  });
  terms.push(...read);
  const prefill = sumTerms(read).bytes;
  // A prompt that is not stated may be all of the context, or all of it but a token: both are held for.
  const grows = input.promptTokens === undefined || contextTokens > prompt;
  if (input.cache !== "static" && cache > 0)
    terms.push(growthTerm(share, { version, cache: grown, grows, prefill }));
  const communication = communicationTerm(talkingRanks(degrees));
  if (communication !== null) terms.push(communication);
  const cublas = cublasWorkspace(card?.generation);
  const { scheme } = input.storage;
  const unpacked =
    scheme === undefined || sequences * prompt < 2 ? 0 : unpackedBytes(share, scheme, computeBytes);
  terms.push(
    {
      id: "workspace",
      bytes: cublas + unpacked,
      low: cublas,
      high: 2 * (cublas + unpacked),
      basis: "modelled",
      formula: "{cublas} B of cuBLAS workspace + {unpacked} B of an unpacked matrix",
      inputs: { cublas, unpacked },
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
): { readonly rows: readonly CachePartRow[]; readonly grown: Bytes } {
  const { input, version, sequences } = at;
  const { contextTokens, format } = input;
  if (input.cache === "static") {
    const rows = staticCacheRows(share, { maxTokens: contextTokens, format });
    return { rows, grown: sequences * rowsBytes(rows) };
  }
  const prompt = Math.min(input.promptTokens ?? contextTokens, contextTokens);
  const base = {
    format,
    convBytes: input.computeBytes,
    latentCache: version.latentCache,
    ...(input.encoderTokens === undefined ? {} : { encoderTokens: input.encoderTokens }),
  } as const;
  const read = transformersCacheRows(share, { ...base, contextTokens: prompt, moment: "after-prefill" });
  const views = version.growth === "whole" ? pinnedElements(share) * input.computeBytes : 0;
  const pinned = [...read, { layers: 1, parts: [{ tokens: prompt, bytes: views }] }];
  const last = Math.max(0, contextTokens - 1);
  const rows = transformersCacheRows(share, { ...base, contextTokens: last, moment: "after-step" });
  const grown = sequences * rowsBytes(rows);
  return { rows: sequences * rowsBytes(pinned) > grown ? pinned : rows, grown };
}
