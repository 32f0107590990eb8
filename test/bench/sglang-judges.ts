/** Readings of SGLang's log beside what the library says of each. */

import type { Architecture } from "../../src/architecture/model.ts";
import { serveOnSglang } from "../../src/engines/sglang/serve.ts";
import { tokenBytes } from "../../src/engines/sglang/token-bytes.ts";
import { segmentRounding } from "../../src/engines/torch-segments.ts";
import { wideRotaryBytes } from "../../src/engines/vllm/profile.ts";
import { deviceShares } from "../../src/parallelism/share.ts";
import { cacheFormatOf } from "../engines/measured-rows.ts";
import { type SglangRow, sglangModel } from "../engines/sglang-rows.ts";
import { cardOf, GIB, type Judged, storedAs, term } from "./serving-run.ts";

const leave = (row: SglangRow, reason: string): Judged => ({ id: row.id, reason });
/** A size that the log prints to two places: equal to that is equal. */
const printed = (bytes: number, shown: number): number =>
  Math.abs(bytes / GIB - shown) <= 0.0051 ? shown : bytes / GIB;

function shareOf(row: SglangRow): Architecture | string {
  const model = sglangModel(row);
  if (typeof model === "string") return model;
  return deviceShares(model, { tp: row.flags.tp ?? 1, pp: 1, ep: 1, dp: 1 })[0]!.share;
}

const eachOf = (share: Architecture, { kv = "bf16" }: SglangRow) =>
  tokenBytes(share, { format: cacheFormatOf(kv), computeBytes: 2, stateBytes: 4 });

/** Bytes of the tokens that the log counts, and a page that nobody is given. */
export function bytesPerToken(row: SglangRow): Judged | null {
  const { keysGiB, valuesGiB, kvGiB, kvTokens } = row.measured;
  const shown = kvGiB ?? (keysGiB === undefined || valuesGiB === undefined ? undefined : keysGiB + valuesGiB);
  if (shown === undefined || kvTokens === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const each = eachOf(share, row);
  const perToken = row.measured.windowTokens === undefined ? each.full + each.window : each.full;
  const bytes = (kvTokens + (row.flags.pageTokens ?? 1)) * perToken;
  const predicted = kvGiB === undefined ? 2 * printed(bytes / 2, shown / 2) : printed(bytes, shown);
  return { id: row.id, predicted, measured: shown };
}

/** Full and window pools together, where the log prints their sum. */
export function bothPools(row: SglangRow): Judged | null {
  const { kvTokens, windowTokens, poolGiB } = row.measured;
  if (kvTokens === undefined || windowTokens === undefined || poolGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const { full, window } = eachOf(share, row);
  const bytes = (kvTokens + 1) * full + (windowTokens + 1) * window;
  return { id: row.id, predicted: printed(bytes, poolGiB), measured: poolGiB };
}

export function windowBytes(row: SglangRow): Judged | null {
  const { windowTokens, windowKeysGiB, windowValuesGiB } = row.measured;
  if (windowTokens === undefined || windowKeysGiB === undefined || windowValuesGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const bytes = (windowTokens + (row.flags.pageTokens ?? 1)) * eachOf(share, row).window;
  const shown = windowKeysGiB + windowValuesGiB;
  return { id: `${row.id} (window)`, predicted: 2 * printed(bytes / 2, shown / 2), measured: shown };
}

export function stateBytes(row: SglangRow): Judged | null {
  const { stateSlots, convGiB, ssmGiB } = row.measured;
  if (stateSlots === undefined || convGiB === undefined || ssmGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const bytes = (stateSlots + 1) * eachOf(share, row).state;
  const shown = convGiB + ssmGiB;
  // Two sizes, each to two places.
  const predicted = Math.abs(bytes / GIB - shown) <= 0.0102 ? shown : bytes / GIB;
  return { id: row.id, predicted, measured: shown };
}

export function loadedWeights(row: SglangRow): Judged | null {
  const { weightsGiB } = row.measured;
  if (weightsGiB === undefined) return null;
  const share = shareOf(row);
  if (typeof share === "string") return leave(row, share);
  const stored = storedAs(row.storage);
  if (stored === undefined) return leave(row, `weights stored as ${row.storage}`);
  const bytes = stored.storage.bytesOf(share);
  const rounding = segmentRounding(share, Math.round(bytes / share.parameters.stored));
  return {
    id: row.id,
    predicted: bytes + rounding + wideRotaryBytes(share),
    measured: weightsGiB * GIB,
  };
}

function run(row: SglangRow): ReturnType<typeof serveOnSglang>["devices"][number] | string {
  const model = sglangModel(row);
  if (typeof model === "string") return model;
  const stored = storedAs(row.storage);
  if (stored === undefined) return `weights stored as ${row.storage}`;
  const { tp = 1, contextTokens, ...flags } = row.flags;
  if (contextTokens === undefined) return "context not stated";
  const card = cardOf(row);
  return serveOnSglang({
    model,
    storage: stored.storage,
    format: cacheFormatOf(row.kv ?? "bf16"),
    contextTokens,
    sequences: 1,
    computeBytes: 2,
    degrees: { tp, pp: 1, ep: 1, dp: 1 },
    ...(card === undefined ? {} : { card }),
    ...(row.version === undefined ? {} : { version: row.version }),
    ...flags,
  }).devices[0]!;
}

/** Rows that say how they were started, on what. */
function started(row: SglangRow): ReturnType<typeof run> {
  if (row.version === undefined) return "engine version not stated";
  if (row.card === undefined) return "card not stated";
  if (row.note?.includes("is not stated") === true) return row.note;
  return run(row);
}

export function poolTokens(row: SglangRow): Judged | null {
  const { kvTokens } = row.measured;
  if (kvTokens === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  return { id: row.id, predicted: device.pool!.tokens, measured: kvTokens };
}

export function freeAtStart(row: SglangRow): Judged | null {
  const { freeGiB } = row.measured;
  if (freeGiB === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  const taken = term(device.terms, "runtime") + term(device.terms, "communication");
  return { id: row.id, predicted: cardOf(row)!.totalBytes - taken, measured: freeGiB * GIB };
}

export function capturedGraphs(row: SglangRow): Judged | null {
  const { graphsGiB, prefillGraphsGiB } = row.measured;
  if (graphsGiB === undefined) return null;
  const device = run(row);
  if (typeof device === "string") return leave(row, device);
  const { inputs } = device.terms.find(({ id }) => id === "workspace")!;
  const { batch, vocabulary, captures, each, prefillGraphs, eachPrefill, first } = inputs as Record<
    string,
    number
  >;
  const decode = batch! * vocabulary! * 6 + captures! * each! + first!;
  const prefill =
    prefillGraphsGiB === undefined ? 0 : prefillGraphs! * eachPrefill! + term(device.terms, "activations");
  return {
    id: row.id,
    predicted: decode + prefill,
    measured: (graphsGiB + (prefillGraphsGiB === undefined ? 0 : prefillGraphsGiB)) * GIB,
  };
}

/** What lies on the card once it serves: all that the log does not show as free. */
export function takenAtStart(row: SglangRow): Judged | null {
  const { leftGiB } = row.measured;
  if (leftGiB === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  const stored = storedAs(row.storage)!;
  let bytes = stored.storage.bytesOf(device.held) + device.pool!.blocks * device.pool!.bytesPerBlock;
  for (const { id, bytes: each } of device.terms)
    if (id !== "kv-cache" && id !== "activations" && id !== "recurrent-state") bytes += each;
  if (device.pool!.idleBytes !== undefined)
    bytes += device.pool!.idleBytes + term(device.terms, "recurrent-state");
  return { id: row.id, predicted: bytes, measured: cardOf(row)!.totalBytes - leftGiB * GIB };
}

export function requestsAtOnce(row: SglangRow): Judged | null {
  const { maxRequests } = row.measured;
  if (maxRequests === undefined) return null;
  const device = started(row);
  if (typeof device === "string") return leave(row, device);
  const { inputs } = device.terms.find(({ id }) => id === "workspace")!;
  return { id: row.id, predicted: inputs.requests!, measured: maxRequests };
}
