import type { Architecture } from "../architecture/model.ts";
import { defined } from "../defined.ts";
import type { EngineId } from "../engines/engine.ts";
import { parseEngine } from "../engines/engine-name.ts";
import { checkEngineOptions } from "../engines/engine-options.ts";
import type { EngineSet, ServeOnEngine } from "../engines/engine-set.ts";
import { VramCalcError } from "../errors.ts";
import { sizeable, worstOf } from "../memory/term.ts";
import { storageByName } from "../quantization/storage-by-name.ts";
import type { Bytes } from "../units.ts";
import { checkAttention } from "./attention.ts";
import { servingDegrees } from "./degrees.ts";
import { prepareDraft } from "./draft.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { type PreparedImages, prepareImages } from "./images.ts";
import { checkMtp } from "./mtp.ts";
import { checkEstimateOptions } from "./option-kinds.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { checkProjector } from "./projector.ts";
import { type DeviceEstimate, type EstimateResult, needsEngines, serveOnOneDevice } from "./serve.ts";
import { servedAdapters } from "./served-adapters.ts";
import { engineDevices, genericDevices, type Run } from "./serving-devices.ts";

/** Serving estimates with the engines that a page or a program chose. */
export interface EstimatorParts {
  readonly engines: EngineSet;
}

/**
 * `estimate` with chosen engines, so that a page loads no others: the text models and every storage take 49 KiB,
 * and each engine 2 to 6 more.
 *
 * @returns what `estimate` returns
 * @throws what `estimate` throws, and bad-option for an engine that it was not given
 * @example estimatorOf({ engines: { vllm: engines.vllm } })(typicalArchitecture(14e9), { weightsOnly: true }).total.bytes // 28_000_000_000
 */
export function estimatorOf({ engines }: EstimatorParts) {
  return (model: Architecture, options: EstimateOptions = {}): EstimateResult =>
    estimateOn(engines, model, options);
}

/** `estimate` with these engines. */
export function estimateOn(
  engines: EngineSet,
  model: Architecture,
  options: EstimateOptions,
): EstimateResult {
  checkEstimateOptions(model, options);
  const images = prepareImages(model, options);
  const prepared = withImages(
    prepare(
      model,
      images === null ? options : { ...options, contextTokens: images.contextTokens },
      storageByName,
    ),
    images,
  );
  if (!needsEngines(options)) return serveOnOneDevice(model, prepared);
  const { degrees, notes: layoutNotes } = servingDegrees(model, options);
  const { engine = "generic" } = options;
  const name = engine === "generic" ? null : parseEngine(engine);
  const serveOn = name === null ? null : chosen(engines, name.engine);
  checkEngineOptions(name?.engine ?? null, options.engineOptions ?? {});
  checkAttention(options, name?.engine ?? null);
  checkMtp(model, options, name?.engine ?? null);
  checkProjector(options, name?.engine ?? null);
  const run: Run = {
    model,
    options,
    prepared,
    degrees,
    images,
    adapters: servedAdapters(model, options),
    engine: name?.engine ?? null,
    serveOn,
    ...(name?.version === undefined ? {} : { version: name.version }),
  };
  const draft = prepareDraft(run);
  const served = name === null ? genericDevices(run, draft) : engineDevices(run, draft);
  const { devices } = served;
  const total = sizeable(worstOf(devices).total);
  return {
    devices,
    total,
    ...poolsOf(devices),
    notes: [
      ...model.notes,
      ...prepared.notes,
      ...(prepared.weightsOnly || images === null ? [] : images.notes),
      ...(draft?.notes ?? []),
      ...(run.adapters?.notes ?? []),
      ...layoutNotes,
      ...served.notes,
    ],
    request: {
      ...prepared.request,
      engine: served.engine,
      ...degrees,
      ...(options.lora === undefined
        ? {}
        : { loraRank: options.lora.rank, loraAdapters: options.lora.count }),
      ...draft?.request,
      ...defined({ mtp: options.mtp }),
      ...images?.request,
      ...defined({
        attention: options.attention,
        padded: options.padded,
        mmproj: options.projectorFile?.id,
      }),
      ...(name === null ? {} : { engineOptions: { ...served.options, ...options.engineOptions } }),
    },
  };
}

function chosen(engines: EngineSet, id: EngineId): ServeOnEngine {
  const serveOn = engines[id];
  if (serveOn !== undefined) return serveOn;
  throw new VramCalcError("bad-option", {
    option: "engine",
    given: `${id}, which this estimator was not given`,
    expected: Object.keys(engines).join(", ") || "generic",
  });
}

function withImages(prepared: Prepared, images: PreparedImages | null): Prepared {
  return images?.encoderTokens === undefined
    ? prepared
    : { ...prepared, encoderTokens: images.encoderTokens };
}

/** The tightest pool, and the fullest card with the whole of its pool. */
function poolsOf(devices: readonly DeviceEstimate[]): {
  readonly poolSpareBytes?: number;
  readonly startBytes?: Bytes;
} {
  const pools = devices.flatMap(({ pool }) => (pool === undefined ? [] : [pool]));
  if (pools.length === 0) return {};
  return {
    poolSpareBytes: Math.min(...pools.map(({ spareBytes }) => spareBytes)),
    startBytes: Math.max(...pools.map(({ filledBytes }) => filledBytes)),
  };
}
