/** Rows of test/vectors/serving-sglang.json: what SGLang printed at its start. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { modelNamed } from "./measured-rows.ts";

export interface SglangRow {
  readonly id: string;
  readonly source: string;
  readonly model: string;
  /** Entry of serving-models.json or of the catalogue; absent when neither has the model. */
  readonly config?: string;
  readonly version?: string;
  /** `date`: not stated; the release that was current when the log was written. */
  readonly versionBy?: "date";
  readonly storage: string;
  /** Format of keys and values; bf16 where it is absent. */
  readonly kv?: string;
  readonly card?: string;
  readonly flags: {
    readonly tp?: number;
    readonly contextTokens?: number;
    readonly memFractionStatic?: number;
    readonly chunkedPrefillTokens?: number;
    readonly maxRunningRequests?: number;
    readonly maxTotalTokens?: number;
    readonly pageTokens?: number;
    readonly graphMaxBatch?: number;
    readonly disableCudaGraph?: boolean;
    readonly disablePrefillGraphs?: boolean;
    readonly disableRadixCache?: boolean;
  };
  readonly measured: {
    readonly freeGiB?: number;
    readonly loadedGiB?: number;
    readonly weightsGiB?: number;
    readonly keysGiB?: number;
    readonly valuesGiB?: number;
    /** Keys and values together, as latent attention prints them. */
    readonly kvGiB?: number;
    readonly kvTokens?: number;
    readonly windowTokens?: number;
    readonly windowKeysGiB?: number;
    readonly windowValuesGiB?: number;
    readonly poolGiB?: number;
    readonly stateSlots?: number;
    readonly convGiB?: number;
    readonly ssmGiB?: number;
    readonly poolEndGiB?: number;
    readonly graphsGiB?: number;
    readonly prefillGraphsGiB?: number;
    readonly leftGiB?: number;
    readonly maxRequests?: number;
  };
  readonly note?: string;
}

const path = fileURLToPath(new URL("../vectors/serving-sglang.json", import.meta.url));
export const SGLANG_ROWS = (JSON.parse(readFileSync(path, "utf8")) as { rows: readonly SglangRow[] }).rows;

/** The model of a row, or why there is none. */
export function sglangModel({ config }: SglangRow): Architecture | string {
  if (config === undefined) return "no config of the model at hand";
  const entry = findCatalogueEntry(config)?.entry;
  return entry === undefined ? modelNamed(config) : catalogueArchitecture(entry);
}
