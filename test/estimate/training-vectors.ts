/** Rows of test/vectors/training-*.json as requests of `train`. */
import { readFileSync } from "node:fs";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";

type Cell = string | number | boolean | null | readonly (string | number | readonly string[])[];
interface Table {
  readonly source: string;
  readonly models: Readonly<Record<string, Record<string, unknown>>>;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Measured {
  readonly id: string;
  readonly model: string;
  readonly kind: "allocated" | "reserved" | "device";
  readonly bytes: number;
  readonly quality: string;
  readonly source: string;
  readonly request: TrainRequest;
  /** The pipeline stage that was read; the worst one where none is said. */
  readonly device?: string;
  /** What is special about a row that is scored all the same. */
  readonly reason?: string;
}

interface MeasuredTable {
  readonly source: string;
  readonly models: Table["models"];
  readonly rows: readonly Measured[];
  readonly leftOut: readonly (readonly [id: string, reason: string])[];
}

/** Published readings of real runs. */
export function readMeasured(): MeasuredTable {
  const url = new URL("../vectors/training-measured.json", import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as MeasuredTable;
}

export function readVectors(name: string): Table {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as Table;
}

export type Row = Readonly<Record<string, Cell>>;

export function rowsOf(table: Table): readonly Row[] {
  return table.rows.map((cells) => Object.fromEntries(table.columns.map((column, i) => [column, cells[i]!])));
}

const models = new Map<string, Architecture>();

export function modelOf(table: Pick<Table, "models">, name: string): Architecture {
  let model = models.get(name);
  if (model === undefined || table.models[name] !== known.get(name)) {
    model = readArchitecture(table.models[name], name);
    models.set(name, model);
    known.set(name, table.models[name]);
  }
  return model;
}
const known = new Map<string, unknown>();

/** The request of an oracle row. */
export function oracleRequest(row: Row): TrainRequest {
  const lora = row.lora as readonly [number, TrainRequest["loraTargets"], number, "fp32" | "bf16"] | null;
  return {
    method: row.method as "full",
    precision: row.precision as "bf16",
    microBatch: row.microBatch as number,
    seqTokens: row.seqTokens as number,
    attention: row.attention as "sdpa",
    checkpointing: row.checkpointing as "none",
    optimizer: row.optimizer as string,
    loss: row.loss as "hf",
    lossChunks: 8,
    gradAccum: row.gradAccum as number,
    ...(lora === null
      ? {}
      : { loraRank: lora[0], loraTargets: lora[1]!, loraDropout: lora[2], adapterFormat: lora[3] }),
    ...(row.kbit === null ? {} : { kbitPreparation: row.kbit as boolean }),
  };
}

/** The value below which a share of the sorted values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
