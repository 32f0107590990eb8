/**
 * Scores of llama.cpp's whole load: what each card holds by the load log (model, cache, state and compute buffers)
 * against `serveOn("llama.cpp", ...)` from model, recipe and flags alone.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { engineCard } from "../../src/engines/engine-card.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { kvFormatByName } from "../../src/formats/kv-formats.ts";
import { acceleratorByName } from "../../src/hardware/lookup.ts";
import { sumTerms, type Term } from "../../src/memory/term.ts";
import { weights } from "../../src/memory/weights.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { namedModel } from "../engines/measured-rows.ts";
import { type Figure, figureLines, figureOf, type Score } from "./figure.ts";
import { MIB } from "./serving-run.ts";

/** One load log of test/vectors/llama-cpp-loads.json, in MiB. */
export interface Load {
  readonly id: string;
  readonly source: string;
  readonly model: string;
  readonly build: string;
  /** llama-quantize's recipe. Absent: the file mixes formats of its own, and its bytes are those of its header. */
  readonly recipe?: string;
  readonly weights?: "file";
  readonly backend?: string;
  readonly fork?: string;
  readonly flags: {
    /** `-c`, all slots together. */
    readonly contextTokens: number;
    readonly slots?: number;
    readonly unified?: boolean;
    readonly cache?: string;
    readonly gpuLayers?: number;
    readonly tensorSplit?: readonly number[];
    readonly cpuExpertLayers?: number;
    readonly cpuExperts?: boolean;
    readonly hostCache?: boolean;
    readonly flashAttention?: boolean;
    readonly ubatchTokens?: number;
    readonly batchTokens?: number;
    readonly swaFull?: boolean;
    readonly speculativeTokens?: number;
  };
  readonly devices: readonly LoadedCard[];
}

interface LoadedCard {
  readonly name: string;
  /** Absent with its compute buffer where only the driver's reading of the load is public. */
  readonly model?: number;
  /** KV and recurrent buffers. */
  readonly context: number;
  readonly compute?: number;
  /** What the driver showed of the process after the same load, or by how much its reading grew. */
  readonly driver?: number;
  readonly card?: string;
}

const file = fileURLToPath(new URL("../vectors/llama-cpp-loads.json", import.meta.url));
const FILE = JSON.parse(readFileSync(file, "utf8")) as {
  readonly rows: readonly Load[];
  readonly leftOut: readonly { readonly reason: string; readonly readings: readonly string[] }[];
};
export const LOADS = FILE.rows;

function modelOf(load: Load): Architecture {
  const hit = findCatalogueEntry(load.model);
  return hit !== null && hit !== undefined && hit.entry.name === load.model
    ? catalogueArchitecture(hit.entry)
    : namedModel(load.model);
}

export interface CardScore extends Score {
  /** Nothing, where the log's own lines are not public: only `driver` is scored. */
  readonly parts: { readonly [part: string]: readonly [predicted: number, measured: number] } | undefined;
  readonly driver?: {
    readonly predicted: number;
    readonly low: number;
    readonly high: number;
    readonly measured: number;
  };
}

const bytesOf = (terms: readonly Term[], ...ids: readonly string[]): number =>
  terms.reduce((sum, term) => (ids.includes(term.id) ? sum + term.bytes : sum), 0);

export function scoresOfLoad(load: Load): readonly CardScore[] {
  const { contextTokens, slots = 1, cache = "f16", ...flags } = load.flags;
  const model = modelOf(load);
  const storage = storageByName(load.recipe ?? "q8_0");
  const { devices } = serveOn("llama.cpp", {
    ...flags,
    model,
    storage,
    format: kvFormatByName(cache),
    contextTokens: Math.floor(contextTokens / slots),
    sequences: slots,
    computeBytes: 2,
    degrees: { tp: 1, pp: 1, ep: 1, dp: 1 },
    version: load.build,
    ...(load.backend === "vulkan" || load.backend === "rocm" ? { backend: load.backend } : {}),
    ...(load.devices[0]?.card === undefined
      ? {}
      : { card: engineCard(acceleratorByName(load.devices[0].card)) }),
  });
  return load.devices.flatMap((card, index): CardScore[] => {
    const device = devices[index];
    if (device === undefined) return [];
    const { held, terms } = device;
    const fileBytes = (card.model ?? 0) * MIB;
    const own: Term =
      load.recipe === undefined
        ? {
            id: "weights",
            bytes: fileBytes,
            low: fileBytes,
            high: fileBytes,
            basis: "exact",
            formula: "",
            inputs: {},
          }
        : weights(held, storage);
    const buffers = [own, ...terms.filter(({ id }) => id !== "runtime")];
    const band = sumTerms(buffers);
    const all = sumTerms([own, ...terms]);
    return [
      {
        id: load.devices.length === 1 ? load.id : `${load.id}/${card.name}`,
        predicted: band.bytes,
        low: band.low,
        high: band.high,
        measured: ((card.model ?? 0) + card.context + (card.compute ?? 0)) * MIB,
        parts:
          card.model === undefined || card.compute === undefined
            ? undefined
            : {
                model: [own.bytes / MIB, card.model],
                context: [bytesOf(terms, "kv-cache", "recurrent-state") / MIB, card.context],
                compute: [bytesOf(terms, "activations") / MIB, card.compute],
              },
        ...(card.driver === undefined
          ? {}
          : { driver: { predicted: all.bytes, low: all.low, high: all.high, measured: card.driver * MIB } }),
      },
    ];
  });
}

const BAR = { median: 3, p90: 8, underShare: 0.05 };

const cards = (loads: readonly Load[]): readonly CardScore[] => loads.flatMap(scoresOfLoad);

const printed = ({ parts }: CardScore): boolean => parts !== undefined;

/** What lies on a card by the log, by recipe and by file apart, and what the driver shows of it. */
export function cppTotalFigures(): readonly (Figure & { readonly scores: readonly Score[] })[] {
  const leftOut = FILE.leftOut.map(({ reason, readings }) => ({ reason, rows: readings.length }));
  const byRecipe = cards(LOADS.filter(({ recipe }) => recipe !== undefined));
  const byFile = cards(LOADS.filter(({ recipe }) => recipe === undefined));
  const shown = [...byRecipe, ...byFile].flatMap(({ id, driver }) =>
    driver === undefined ? [] : [{ id, ...driver }],
  );
  return [
    { title: "total on the card (llama.cpp)", scores: byRecipe.filter(printed), leftOut },
    {
      title: "total on the card, weights by the file's header (llama.cpp)",
      scores: byFile.filter(printed),
      leftOut: [],
    },
    { title: "what the driver shows after the load (llama.cpp)", scores: shown, leftOut: [] },
  ].map((of) => ({ ...figureOf({ ...of, bar: BAR }), scores: of.scores }));
}

/** Every card with its parts, predicted against printed, in MiB. */
function printParts(): void {
  for (const load of LOADS)
    for (const { id, predicted, measured, parts } of scoresOfLoad(load).filter(printed)) {
      const error = (100 * (predicted - measured)) / measured;
      const each = Object.entries(parts ?? {}).map(
        ([part, [p, m]]) => `${part} ${p.toFixed(2)} of ${m.toFixed(2)}`,
      );
      console.log(`${error.toFixed(2).padStart(8)} %  ${id}  ${each.join(", ")}`);
    }
}

if (process.argv[1]?.endsWith("accuracy-llama-cpp-total.ts") === true) {
  for (const figure of cppTotalFigures()) console.log(figureLines(figure).join("\n"));
  printParts();
}
