/** The result of one request in the shape of the JSON contract: what every report renders. */
import type { Architecture, Note } from "../architecture/model.ts";
import { type ModelSummary, modelFacts } from "../architecture/summary.ts";
import type { Budget } from "../budget.ts";
import { rowTerm } from "../check/result.ts";
import type { EffectiveRequest } from "../estimate/prepare.ts";
import type { DeviceEstimate, Estimate } from "../estimate/serve.ts";

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
export const notesJson = (notes: readonly Note[]): readonly Required<Note>[] =>
  notes.map(({ code, message, details }) => ({ code, message, details: details ?? {} }));

/** Plain data for `JSON.stringify`, in the order of the contract. */
export function resultJson(result: Result): Record<string, unknown> {
  const { model, architecture, estimate, budget } = result;
  return {
    schema: result.schema,
    model: modelFacts(model, architecture),
    request: result.request,
    devices: estimate.devices.map(deviceJson),
    total: estimate.total,
    ...(budget === undefined ? {} : { budget }),
    notes: notesJson(result.notes),
  };
}

function deviceJson(device: DeviceEstimate): Record<string, unknown> {
  return {
    id: device.id,
    count: device.count,
    terms: device.terms.map(rowTerm),
    total: device.total,
    ...(device.pool === undefined ? {} : { pool: device.pool }),
  };
}
