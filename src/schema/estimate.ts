/** The shape of `vram-calc <model> --json` and `vram-calc train <model> --json`. */
import * as z from "zod/mini";
import { band, budget, bytes, count, meta, note, request, term } from "./parts.ts";

const parameters = () =>
  meta(z.catchall(z.looseObject({ total: count() }), z.unknown()), "counts: total, active, by group");

const model = () =>
  z.looseObject({
    id: z.string(),
    source: z.string(),
    family: z.string(),
    parameters: parameters(),
    revision: z.optional(z.string()),
  });

export const estimateSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/estimate@1"),
    model: model(),
    request: request(),
    devices: z.array(
      z.looseObject({ id: z.string(), count: count(), terms: z.array(term()), total: band() }),
    ),
    total: meta(band(), "the worst device"),
    budget: z.optional(budget()),
    notes: z.array(note()),
  });

export const trainSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/train@1"),
    model: model(),
    request: request(),
    devices: z.array(
      z.looseObject({
        id: z.string(),
        count: count(),
        winner: meta(z.string(), "the phase with the most allocated"),
        terms: z.array(term()),
        phases: z.array(z.looseObject({ phase: z.string(), allocated: band(), terms: z.array(term()) })),
        allocated: band(),
        reserved: band(),
        total: band(),
      }),
    ),
    totals: z.looseObject({ allocated: band(), reserved: band(), device: band() }),
    total: meta(band(), "the worst device"),
    winner: z.string(),
    budget: z.optional(budget()),
    reliefs: z.optional(
      z.array(
        z.looseObject({
          change: z.record(z.string(), z.unknown()),
          allocatedBytes: bytes(),
          savedBytes: bytes(),
        }),
      ),
    ),
    notes: z.array(note()),
  });
