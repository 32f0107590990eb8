import type { Architecture, Note } from "../architecture/model.ts";
import { defined } from "../defined.ts";
import type { EngineResult } from "../engines/engine.ts";
import { parseEngine } from "../engines/engine-name.ts";
import { unreadFormats } from "../engines/formats-read.ts";
import { communicationTerm, talkingRanks } from "../engines/process-overhead.ts";
import { checkEngineOptions, serveOn } from "../engines/registry.ts";
import type { BlockPool } from "../engines/vllm/block-pool.ts";
import { VramCalcError } from "../errors.ts";
import { sizeable, sumTerms, type Term, worstOf } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import { deviceShares } from "../parallelism/share.ts";
import { storageByName } from "../quantization/storage-by-name.ts";
import type { Bytes } from "../units.ts";
import { checkAttention, maskTerm } from "./attention.ts";
import { servingDegrees } from "./degrees.ts";
import { type DraftRun, type PreparedDraft, prepareDraft } from "./draft.ts";
import { imageTerm, type PreparedImages, prepareImages } from "./images.ts";
import { checkMtp, mtpFlags, mtpTerms } from "./mtp.ts";
import { checkEstimateOptions } from "./option-kinds.ts";
import { type EstimateOptions, type Prepared, prepare } from "./prepare.ts";
import { checkProjector, projectorTerm } from "./projector.ts";
import {
  type DeviceEstimate,
  type DevicePool,
  type EstimateResult,
  needsEngines,
  serveOnOneDevice,
  servingTerms,
} from "./serve.ts";
import { servedAdapters } from "./served-adapters.ts";

export { DEFAULT_CONTEXT_TOKENS, type EffectiveRequest, type EstimateOptions } from "./prepare.ts";
export type { DeviceEstimate, Estimate, EstimateResult } from "./serve.ts";

/**
 * Memory to serve a model, term by term: the pure core of `vram-calc <model>`.
 *
 * @returns devices with their terms, the worst device's total with its band, the effective request and notes
 * @throws unknown-name for a format, an engine or an option that there is not, bad-option for what is of the wrong type or
 * not a whole number from 1, for degrees that the model does not divide by and for 2^53 bytes or more
 * @example estimate(typicalArchitecture(14e9), { dtype: "fp16", weightsOnly: true }).total.bytes // 28_000_000_000
 */
export function estimate(model: Architecture, options: EstimateOptions = {}): EstimateResult {
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

interface Run extends DraftRun {
  readonly images: PreparedImages | null;
  readonly adapters: ReturnType<typeof servedAdapters>;
}

interface Served {
  readonly engine: string;
  readonly options?: EngineResult["options"];
  readonly devices: readonly DeviceEstimate[];
  readonly notes: readonly Note[];
}

/** Weights and caches on a device that are not the model's own. */
function besides(
  { options, prepared, engine, degrees, adapters }: Run,
  draft: PreparedDraft | null,
  device: { readonly held: Architecture; readonly index: number; readonly last: boolean },
): readonly Term[] {
  const sequences = Math.ceil(prepared.sequences / degrees.dp);
  const mtp = mtpTerms(device.held, { options, prepared, engine, sequences });
  return [
    ...mtp,
    ...(draft === null ? [] : draft.termsOf(device)),
    ...(adapters === null ? [] : [adapters.term(device.held)]),
    ...(options.projectorFile === undefined || device.index > 0
      ? []
      : [projectorTerm(options.projectorFile.bytes)]),
  ];
}

/** A device's own terms, what else lies on it, and the tower's work. */
function composed(
  { model, options, prepared, degrees, images, engine, version }: Run,
  own: readonly Term[],
  at: { readonly held: Architecture; readonly besides: readonly Term[] },
): readonly Term[] {
  const sequences = Math.ceil(prepared.sequences / degrees.dp);
  const { computeBytes } = prepared;
  const all = [...own, ...at.besides];
  if (prepared.weightsOnly) return all;
  const { contextTokens } = prepared;
  const mask = maskTerm(at.held, { options, engine, sequences, contextTokens, computeBytes });
  if (mask !== null) all.push(mask);
  if (images === null) return all;
  // A tower from a file of its own works where its weights lie, and is not among the layers held there.
  const held = at.besides.some(({ label }) => label === "images") ? model : at.held;
  const term = imageTerm(images, { held, terms: own, engine, version, options, sequences, computeBytes });
  return term === null ? all : [...all, term];
}

/** Each device's share of the model as a model of its own, and what ranks need to talk to each other. */
function genericDevices(run: Run, draft: PreparedDraft | null): Served {
  const { model, prepared, degrees } = run;
  const sequences = Math.ceil(prepared.sequences / degrees.dp);
  const communication = prepared.weightsOnly ? null : communicationTerm(talkingRanks(degrees));
  const shares = deviceShares(model, degrees);
  const devices = shares.map(({ id, count, share }, index): DeviceEstimate => {
    const last = index === shares.length - 1;
    const serving = servingTerms(share, { ...prepared, sequences });
    // The last stage holds the head.
    const staged = last ? serving : serving.filter((term) => term.id !== "logits");
    const own = communication === null ? staged : [...staged, communication];
    const device = { held: share, index, last };
    const terms = composed(run, own, { held: share, besides: besides(run, draft, device) });
    return { id, count, terms, total: sumTerms(terms) };
  });
  return { engine: "generic", devices, notes: [] };
}

/** What is left of a pool, and what the engine fills: its need with the whole pool in place of the request's part. */
function againstRequest(pool: BlockPool, { prepared, degrees }: Run, need: Bytes): DevicePool {
  const sequences = Math.ceil(prepared.sequences / degrees.dp);
  const spareBytes = (pool.blocks - sequences * pool.blocksPerRequest) * pool.bytesPerBlock;
  return { ...pool, spareBytes, filledBytes: need + spareBytes };
}

function engineDevices(run: Run, draft: PreparedDraft | null): Served {
  const { model, options, prepared, degrees, engine, version, images } = run;
  if (engine === null) return genericDevices(run, draft);
  if (prepared.weightsOnly) {
    throw new VramCalcError("bad-option", {
      option: "--engine",
      given: `${engine} with weights only`,
      expected: "one of the two: an engine says what lies beside the weights",
    });
  }
  const { projectorFile } = options;
  const extras =
    draft !== null || options.mtp !== undefined || run.adapters !== null || projectorFile !== undefined;
  const result: EngineResult = serveOn(engine, {
    ...(images === null ? {} : { projector: true }),
    ...defined({ attention: options.attention }),
    ...options.engineOptions,
    // The file is the tower: the config's own is not counted beside it.
    ...(projectorFile === undefined ? {} : { projector: false }),
    ...mtpFlags(options, engine),
    model,
    storage: prepared.storage,
    format: prepared.cacheFormat,
    contextTokens: prepared.contextTokens,
    sequences: prepared.sequences,
    computeBytes: prepared.computeBytes,
    degrees,
    ...(extras
      ? {
          besides: ({ held, last }) => sumTerms(besides(run, draft, { held, last, index: 0 })).bytes,
        }
      : {}),
    ...defined({ encoderTokens: prepared.encoderTokens, card: options.card, version }),
  });
  const last = result.devices.length - 1;
  const devices = result.devices.map(({ id, count, held, terms, pool }, index): DeviceEstimate => {
    const own = [weights(held, prepared.storage), ...terms];
    const more = extras ? besides(run, draft, { held, index, last: index === last }) : [];
    const all = composed(run, own, { held, besides: more });
    const total = sumTerms(all);
    if (pool === undefined) return { id, count, terms: all, total };
    return { id, count, terms: all, total, pool: againstRequest(pool, run, total.bytes) };
  });
  const { engine: name, version: of, options: flags } = result;
  const notes = [
    ...result.notes,
    ...versionNotes({ name, asked: version, taken: of }),
    ...unreadFormats(engine, { weights: options.dtype, cache: prepared.cacheFormat.id }),
  ];
  return { engine: `${name}@${of}`, ...(flags === undefined ? {} : { options: flags }), devices, notes };
}

/** Says which release's constants stand for the one that was asked for. */
function versionNotes(of: {
  readonly name: string;
  readonly asked: string | undefined;
  readonly taken: string;
}): readonly Note[] {
  const { name, asked, taken } = of;
  if (asked === undefined || asked.replace(/^b/, "") === taken.replace(/^b/, "")) return [];
  return [
    {
      code: "engine-version",
      message: `${name} ${asked} is sized with what was read from ${taken}, the closest release known here`,
      details: { engine: name, asked, taken },
    },
  ];
}
