/** The devices of a serving request and the terms of each, with an engine or without one. */

import type { Architecture, Note } from "../architecture/model.ts";
import { defined } from "../defined.ts";
import type { EngineResult } from "../engines/engine.ts";
import { unreadFormats } from "../engines/formats-read.ts";
import { communicationTerm, talkingRanks } from "../engines/process-overhead.ts";
import type { BlockPool } from "../engines/vllm/block-pool.ts";
import { VramCalcError } from "../errors.ts";
import { sumTerms, type Term } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import { deviceShares } from "../parallelism/share.ts";
import type { Bytes } from "../units.ts";
import { maskTerm } from "./attention.ts";
import type { DraftRun, PreparedDraft } from "./draft.ts";
import { imageTerm, type PreparedImages } from "./images.ts";
import { mtpFlags, mtpTerms } from "./mtp.ts";
import { projectorTerm } from "./projector.ts";
import { type DeviceEstimate, type DevicePool, servingTerms } from "./serve.ts";
import type { servedAdapters } from "./served-adapters.ts";

/** A request with all that was prepared for it. */
export interface Run extends DraftRun {
  readonly images: PreparedImages | null;
  readonly adapters: ReturnType<typeof servedAdapters>;
}

/** The devices as an engine, or none, fills them. */
export interface Served {
  readonly engine: string;
  readonly options?: EngineResult["options"];
  readonly devices: readonly DeviceEstimate[];
  readonly notes: readonly Note[];
}

/** Sequences of one replica. */
const sequencesOf = ({ prepared, degrees }: Pick<Run, "prepared" | "degrees">): number =>
  Math.ceil(prepared.sequences / degrees.dp);

/** Weights and caches on a device that are not the model's own. */
function besides(
  { options, prepared, engine, degrees, adapters }: Run,
  draft: PreparedDraft | null,
  device: { readonly held: Architecture; readonly index: number; readonly last: boolean },
): readonly Term[] {
  const sequences = sequencesOf({ prepared, degrees });
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
  const sequences = sequencesOf({ prepared, degrees });
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
export function genericDevices(run: Run, draft: PreparedDraft | null): Served {
  const { model, prepared, degrees } = run;
  const sequences = sequencesOf({ prepared, degrees });
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
  const sequences = sequencesOf({ prepared, degrees });
  const inBlocks = (pool.blocks - sequences * pool.blocksPerRequest) * pool.bytesPerBlock;
  const idle = pool.idleBytes === undefined ? 0 : pool.idleBytes;
  const spareBytes = idle < 0 ? Math.min(inBlocks, idle) : inBlocks;
  return { ...pool, spareBytes, filledBytes: need + inBlocks + idle };
}

/** The engine's devices with its own cache and costs, and what lies beside them. */
export function engineDevices(run: Run, draft: PreparedDraft | null): Served {
  const { model, options, prepared, degrees, engine, serveOn, version, images } = run;
  if (engine === null || serveOn === null) return genericDevices(run, draft);
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
  const result: EngineResult = serveOn({
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
