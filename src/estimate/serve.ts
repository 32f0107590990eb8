/** The serving estimate without an engine's habits: what any runtime must hold. */
import type { Architecture, Note } from "../architecture/model.ts";
import type { BlockPool } from "../engines/vllm/block-pool.ts";
import { activations, logits } from "../memory/activations.ts";
import { cacheTerms } from "../memory/kv-cache.ts";
import { GENERIC_RUNTIME } from "../memory/runtime.ts";
import { type Band, sizeable, sumTerms, type Term } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import type { Bytes } from "../units.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { type EffectiveRequest, type Prepared, prepare } from "./prepare.ts";

/** What one kind of device holds. */
export interface DeviceEstimate {
  /** "all" on one device; "rank", "pp0", "gpu1" in a run over several. */
  readonly id: string;
  /** Devices that hold exactly this. */
  readonly count: number;
  readonly terms: readonly Term[];
  readonly total: Band;
  /** The cache pool that the engine makes of the rest of the card. */
  readonly pool?: DevicePool;
}

/** A pool, held against the request. */
export interface DevicePool extends BlockPool {
  /** Bytes of the pool beyond the request's sequences at their longest; negative when they do not fit in it. */
  readonly spareBytes: number;
  /** What the engine takes of the card at start, the whole pool filled or not. */
  readonly filledBytes: Bytes;
}

export interface Estimate {
  readonly devices: readonly DeviceEstimate[];
  /** The worst device. */
  readonly total: Band;
  /** `spareBytes` of the tightest pool, for engines that make one. */
  readonly poolSpareBytes?: number;
  /** The largest `filledBytes` of the pools: what such an engine takes of a card at start. */
  readonly startBytes?: Bytes;
  readonly notes: readonly Note[];
}

export interface EstimateResult extends Estimate {
  readonly request: EffectiveRequest;
}

/**
 * What one device holds of a model, engine-neutral.
 *
 *     total = weights + kv-cache + recurrent-state + activations + logits + runtime
 */
export function servingTerms(model: Architecture, request: Omit<Prepared, "request" | "notes">): Term[] {
  const { contextTokens, sequences, cacheFormat: format, encoderTokens, computeBytes } = request;
  if (request.weightsOnly) return [weights(model, request.storage)];
  const head = logits(model, { contextTokens, sequences, computeBytes });
  return [
    weights(model, request.storage),
    ...cacheTerms(model, {
      contextTokens,
      sequences,
      format,
      ...(encoderTokens === undefined ? {} : { encoderTokens }),
    }),
    activations(model, { contextTokens, sequences, computeBytes }),
    ...(head === null ? [] : [head]),
    GENERIC_RUNTIME,
  ];
}

/** One device, no engine: the whole of the main command for a plain format. */
export function serveOnOneDevice(model: Architecture, prepared: Prepared): EstimateResult {
  const terms = servingTerms(model, prepared);
  const total = sizeable(sumTerms(terms));
  const { notes } = prepared;
  return {
    devices: [{ id: "all", count: 1, terms, total }],
    total,
    notes: notes.length === 0 ? model.notes : [...model.notes, ...notes],
    request: prepared.request,
  };
}

/** Options that the estimate of this file knows; degrees may be 1. */
const SIMPLE: ReadonlySet<string> = new Set([
  "dtype",
  "kvDtype",
  "calibratedKv",
  "contextTokens",
  "batch",
  "weightsOnly",
  "stored",
  "card",
]);
const DEGREES: ReadonlySet<string> = new Set(["tp", "pp", "ep", "dp", "devices"]);

/** True when `estimate` in estimate.ts is needed: an engine, several devices, or something beside the model. */
export function needsEngines(options: EstimateOptions): boolean {
  // Few options are given, and to ask an object for what it has not is slow.
  for (const name in options) {
    if (SIMPLE.has(name)) continue;
    const value = options[name as keyof EstimateOptions];
    if (value === undefined || (name === "engine" && value === "generic")) continue;
    if (!(DEGREES.has(name) && value === 1)) return true;
  }
  return false;
}

/**
 * `estimate` for plain formats on one device, without loading engines and quantization schemes.
 *
 * @param storageOf as for `prepare`
 */
export function estimateSimply(
  model: Architecture,
  options: EstimateOptions,
  storageOf: (name: string) => WeightStorage,
): EstimateResult {
  return serveOnOneDevice(model, prepare(model, options, storageOf));
}
