import { type LoraRequest, loraLinears, loraParameterCount } from "../adapters/lora.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import type { EngineResult } from "../engines/engine.ts";
import { communicationTerm } from "../engines/process-overhead.ts";
import { parseEngine, serveOn } from "../engines/registry.ts";
import { VramCalcError } from "../errors.ts";
import { exactTerm, sumTerms, type Term } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import { checkDegrees, type Degrees, SINGLE_DEVICE } from "../parallelism/degrees.ts";
import { deviceShares } from "../parallelism/share.ts";
import { storageByName } from "../quantization/storage-by-name.ts";
import { type EstimateOptions, type Prepared, prepare } from "./prepare.ts";
import {
  type DeviceEstimate,
  type EstimateResult,
  needsEngines,
  serveOnOneDevice,
  servingTerms,
} from "./serve.ts";

export { DEFAULT_CONTEXT_TOKENS, type EffectiveRequest, type EstimateOptions } from "./prepare.ts";
export type { DeviceEstimate, Estimate, EstimateResult } from "./serve.ts";

/**
 * Memory to serve a model, term by term: the pure core of `vram-calc <model>`.
 *
 * @returns devices with their terms, the worst device's total with its band, the effective request and notes
 * @throws unknown-name for a format or an engine, bad-option for what is not a whole number from 1 and for
 * degrees that the model does not divide by
 * @example estimate(typicalArchitecture(14e9), { dtype: "fp16", weightsOnly: true }).total.bytes // 28_000_000_000
 */
export function estimate(model: Architecture, options: EstimateOptions = {}): EstimateResult {
  const prepared = prepare(model, options, storageByName);
  if (!needsEngines(options)) return serveOnOneDevice(model, prepared);
  const degrees = degreesOf(options);
  checkDegrees(model, degrees);
  const { engine = "generic" } = options;
  const served =
    engine === "generic"
      ? genericDevices(model, prepared, degrees)
      : engineDevices(model, prepared, { options, engine, degrees });
  const devices = served.devices.map((device) => withAdapters(device, model, { options, degrees }));
  const worst = devices.reduce((a, b) => (b.total.bytes > a.total.bytes ? b : a));
  return {
    devices,
    total: worst.total,
    notes: [...model.notes, ...prepared.notes, ...served.notes],
    request: {
      ...prepared.request,
      engine: served.engine,
      ...degrees,
      ...(options.lora === undefined
        ? {}
        : { loraRank: options.lora.rank, loraAdapters: options.lora.count }),
    },
  };
}

function degreesOf({ tp = 1, pp = 1, ep = 1, dp = 1 }: EstimateOptions): Degrees {
  return tp * pp * ep * dp === 1 ? SINGLE_DEVICE : { tp, pp, ep, dp };
}

interface Served {
  readonly engine: string;
  readonly devices: readonly DeviceEstimate[];
  readonly notes: readonly Note[];
}

/** Each device's share of the model as a model of its own, and what ranks need to talk to each other. */
function genericDevices(model: Architecture, prepared: Prepared, degrees: Degrees): Served {
  const sequences = Math.ceil(prepared.sequences / degrees.dp);
  const communication = prepared.weightsOnly ? null : communicationTerm(degrees.tp * degrees.pp * degrees.dp);
  const devices = deviceShares(model, degrees).map(({ id, count, share }): DeviceEstimate => {
    const terms = servingTerms(share, { ...prepared, sequences });
    const all = communication === null ? terms : [...terms, communication];
    return { id, count, terms: all, total: sumTerms(all) };
  });
  return { engine: "generic", devices, notes: [] };
}

function engineDevices(
  model: Architecture,
  prepared: Prepared,
  at: { readonly options: EstimateOptions; readonly engine: string; readonly degrees: Degrees },
): Served {
  const { options, degrees } = at;
  if (prepared.weightsOnly) {
    throw new VramCalcError("bad-option", {
      option: "--engine",
      given: `${at.engine} with weights only`,
      expected: "one of the two: an engine says what lies beside the weights",
    });
  }
  const { engine, version } = parseEngine(at.engine);
  const result: EngineResult = serveOn(engine, {
    ...options.engineOptions,
    model,
    storage: prepared.storage,
    format: prepared.cacheFormat,
    contextTokens: prepared.contextTokens,
    sequences: prepared.sequences,
    computeBytes: model.dtype === "fp32" && options.dtype === undefined ? 4 : 2,
    degrees,
    ...(options.card === undefined ? {} : { card: options.card }),
    ...(version === undefined ? {} : { version }),
  });
  const devices = result.devices.map(({ id, count, held, terms, pool }): DeviceEstimate => {
    const all = [weights(held, prepared.storage), ...terms];
    return { id, count, terms: all, total: sumTerms(all), ...(pool === undefined ? {} : { pool }) };
  });
  return { engine: `${result.engine}@${result.version}`, devices, notes: result.notes };
}

/**
 * Adapters served beside the base, each rank its part of them.
 *
 *     bytes = adapters * parameters of one * 2 B / (tp * pp)
 */
function withAdapters(
  device: DeviceEstimate,
  model: Architecture,
  at: { readonly options: EstimateOptions; readonly degrees: Degrees },
): DeviceEstimate {
  const { lora } = at.options;
  if (lora === undefined) return device;
  const request: LoraRequest = { rank: lora.rank, targets: lora.targets };
  const parameters = loraParameterCount(loraLinears(model, request));
  const ranks = at.degrees.tp * at.degrees.pp;
  const bytes = Math.ceil((lora.count * parameters * ADAPTER_BYTES) / ranks);
  const term: Term = exactTerm("adapters", bytes, ADAPTERS_FORMULA, {
    count: lora.count,
    parameters,
    width: ADAPTER_BYTES,
    ranks,
  });
  const terms = [...device.terms, term];
  return { ...device, terms, total: sumTerms(terms) };
}

/** Engines load adapters in the 16 bits of the compute format. */
const ADAPTER_BYTES = 2;
const ADAPTERS_FORMULA = "{count} adapters x {parameters} parameters x {width} B over {ranks} ranks";
