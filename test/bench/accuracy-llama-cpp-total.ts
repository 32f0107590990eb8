/**
 * Scores of llama.cpp's whole load: what each card holds by the load log (model, cache, state and compute buffers)
 * against `serveOn("llama.cpp", ...)` from model, recipe and flags alone.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { kvFormatByName } from "../../src/formats/kv-formats.ts";
import { sumTerms, type Term } from "../../src/memory/term.ts";
import { weights } from "../../src/memory/weights.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { namedModel } from "../engines/measured-rows.ts";
import type { Score } from "./figure.ts";
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
  readonly leftOut?: string;
}

interface LoadedCard {
  readonly name: string;
  readonly model: number;
  /** KV and recurrent buffers. */
  readonly context: number;
  readonly compute: number;
  /** What the driver showed beside the same load, in MiB. */
  readonly driver?: number;
}

const file = fileURLToPath(new URL("../vectors/llama-cpp-loads.json", import.meta.url));
export const LOADS = (JSON.parse(readFileSync(file, "utf8")) as { rows: readonly Load[] }).rows;

function modelOf(load: Load): Architecture {
  const hit = findCatalogueEntry(load.model);
  return hit !== null && hit !== undefined && hit.entry.name === load.model
    ? catalogueArchitecture(hit.entry)
    : namedModel(load.model);
}

export interface CardScore extends Score {
  readonly parts: { readonly [part: string]: readonly [predicted: number, measured: number] };
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
  });
  return load.devices.flatMap((card, index): CardScore[] => {
    const device = devices[index];
    if (device === undefined) return [];
    const { held, terms } = device;
    const own: Term =
      load.recipe === undefined
        ? {
            id: "weights",
            bytes: card.model * MIB,
            low: card.model * MIB,
            high: card.model * MIB,
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
        measured: (card.model + card.context + card.compute) * MIB,
        parts: {
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

if (process.argv[1]?.endsWith("accuracy-llama-cpp-total.ts") === true) {
  for (const load of LOADS) {
    try {
      for (const { id, predicted, measured, parts, driver } of scoresOfLoad(load)) {
        const error = (100 * (predicted - measured)) / measured;
        const each = Object.entries(parts).map(([part, [p, m]]) => `${part} ${p.toFixed(2)}/${m.toFixed(2)}`);
        console.log(
          `${error.toFixed(2).padStart(8)} %  ${load.recipe === undefined ? "file" : "    "} ${id}  ${each.join("  ")}${driver === undefined ? "" : `  driver ${(driver.predicted / MIB).toFixed(0)}/${(driver.measured / MIB).toFixed(0)}`}`,
        );
      }
    } catch (error) {
      if (!(error instanceof VramCalcError)) throw error;
      console.log(`   ERR ${load.id} ${error.message}`);
    }
  }
}
