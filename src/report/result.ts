/** The result of one request in the shape of the JSON contract: what every report renders. */
import type { Architecture, Note } from "../architecture/model.ts";
import { type ModelFacts, type ModelSummary, modelFacts } from "../architecture/summary.ts";
import type { Budget } from "../budget.ts";
import { type RowTerm, rowTerm } from "../check/result.ts";
import type { EffectiveRequest } from "../estimate/prepare.ts";
import type { DeviceEstimate, DevicePool, Estimate } from "../estimate/serve.ts";
import { type Band, worstOf } from "../memory/term.ts";
import { onceFor } from "../remember.ts";

/** What was computed, before it is rendered for people or for scripts. */
export interface Result {
  readonly schema: "vram-calc/estimate@1" | "vram-calc/train@1";
  readonly model: ModelSummary;
  readonly architecture: Architecture;
  /** Every effective option, defaults included. */
  readonly request: EffectiveRequest | Readonly<Record<string, string | number | boolean | null>>;
  readonly estimate: Estimate;
  readonly budget?: Budget;
  readonly notes: readonly Note[];
}

/** `notes` of every result. */
export const notesJson = (notes: readonly Note[]): readonly Required<Note>[] => notes.map(noteJson);

const noteJson = onceFor(
  ({ code, message, details }: Note): Required<Note> => ({ code, message, details: details ?? {} }),
);

/** `devices` of a result. */
export interface DeviceJson {
  readonly id: string;
  readonly count: number;
  readonly terms: readonly RowTerm[];
  readonly total: Band;
  readonly pool?: DevicePool;
}

/** A result by the JSON contract, its fields in order. */
export interface ResultJson {
  readonly schema: Result["schema"];
  readonly model: ModelFacts;
  readonly request: Result["request"];
  readonly devices: readonly DeviceJson[];
  /** The worst device. */
  readonly total: Band;
  /** Its terms: they add up to `total`. */
  readonly terms: readonly RowTerm[];
  readonly budget?: Budget;
  readonly notes: readonly Required<Note>[];
}

/** Plain data for `JSON.stringify`, in the order of the contract. */
export function resultJson(result: Result): ResultJson {
  const { model, architecture, estimate, budget } = result;
  const devices = estimate.devices.map(deviceJson);
  return {
    schema: result.schema,
    model: modelFacts(model, architecture),
    request: result.request,
    devices,
    total: estimate.total,
    terms: worstOf(devices).terms,
    ...(budget === undefined ? {} : { budget }),
    notes: notesJson(result.notes),
  };
}

function deviceJson(device: DeviceEstimate): DeviceJson {
  return {
    id: device.id,
    count: device.count,
    terms: device.terms.map(rowTerm),
    total: device.total,
    ...(device.pool === undefined ? {} : { pool: device.pool }),
  };
}
