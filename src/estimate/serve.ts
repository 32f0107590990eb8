/** The serving estimate without an engine's habits: what any runtime must hold. */
import type { Architecture, Note } from "../architecture/model.ts";
import { activations, logits } from "../memory/activations.ts";
import { GENERIC_RUNTIME } from "../memory/runtime.ts";
import { type Band, sumTerms, type Term } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import type { Tokens } from "../units.ts";
import { genericCache } from "./generic-cache.ts";

/** Bytes that one cached key or value vector takes: scales and rounding included. */
export interface CacheFormat {
  readonly id: string;
  readonly keyBytesPerVector: (dim: number) => number;
  readonly valueBytesPerVector: (dim: number) => number;
}

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
  const { contextTokens, sequences, cacheFormat } = request;
  const perSequence = genericCache(model, {
    contextTokens,
    keyBytes: cacheFormat.keyBytesPerVector,
    valueBytes: cacheFormat.valueBytesPerVector,
  });
  const terms: Term[] = [weights(model, request.storage)];
  if (perSequence.kv > 0) {
    terms.push(cacheTerm(model, "kv-cache", perSequence.kv, request));
  }
  if (perSequence.state > 0) terms.push(cacheTerm(model, "recurrent-state", perSequence.state, request));
  terms.push(activations(model, { contextTokens, sequences }), logits(model, { sequences }), GENERIC_RUNTIME);
  return terms;
}

function cacheTerm(
  model: Architecture,
  id: "kv-cache" | "recurrent-state",
  each: number,
  request: ServeRequest,
): Term {
  const bytes = each * request.sequences;
  const assumed = model.assumed === true;
  return {
    id,
    bytes,
    // Published decoders of one size differ by grouped heads and depth: an eighth to four times this.
    low: assumed ? Math.floor(bytes / 4) : bytes,
    high: assumed ? bytes * 4 : bytes,
    basis: assumed ? "assumed" : "exact",
    formula: "{sequences} sequences x {each} B",
    inputs: { sequences: request.sequences, each },
  };
}
