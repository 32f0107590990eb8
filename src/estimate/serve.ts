/** The serving estimate without an engine's habits: what any runtime must hold. */
import type { Architecture, Note } from "../architecture/model.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import { activations, logits } from "../memory/activations.ts";
import { cacheTerms } from "../memory/kv-cache.ts";
import { GENERIC_RUNTIME } from "../memory/runtime.ts";
import { type Band, sumTerms, type Term } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import type { Tokens } from "../units.ts";

export interface ServeRequest {
  readonly storage: WeightStorage;
  readonly cacheFormat: CacheFormat;
  /** Tokens kept per sequence: prompt plus generated. */
  readonly contextTokens: Tokens;
  /** Sequences resident at once; prefix sharing is not modelled. */
  readonly sequences: number;
  /** Weights and nothing else. */
  readonly weightsOnly?: boolean;
}

/** What one kind of device holds. */
export interface DeviceEstimate {
  /** "all" on one device; "tp0.pp1" for a rank of a parallel run. */
  readonly id: string;
  /** Devices that hold exactly this. */
  readonly count: number;
  readonly terms: readonly Term[];
  readonly total: Band;
}

export interface Estimate {
  readonly devices: readonly DeviceEstimate[];
  /** The worst device. */
  readonly total: Band;
  readonly notes: readonly Note[];
}

/**
 * Memory to serve `model`, term by term.
 *
 *     total = weights + kv-cache + recurrent-state + activations + logits + runtime
 *
 * @example serve(llama_3_1_8b, { storage: bf16, contextTokens: 8192, sequences: 1, ... }).devices[0].terms
 */
export function serve(model: Architecture, request: ServeRequest): Estimate {
  const terms =
    request.weightsOnly === true ? [weights(model, request.storage)] : servingTerms(model, request);
  const total = sumTerms(terms);
  return { devices: [{ id: "all", count: 1, terms, total }], total, notes: model.notes };
}

function servingTerms(model: Architecture, request: ServeRequest): Term[] {
  const { contextTokens, sequences, cacheFormat: format } = request;
  return [
    weights(model, request.storage),
    ...cacheTerms(model, { contextTokens, sequences, format }),
    activations(model, { contextTokens, sequences }),
    logits(model, { sequences }),
    GENERIC_RUNTIME,
  ];
}
