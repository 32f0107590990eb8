/** The shape of `vram-calc <model> --json` and `vram-calc train <model> --json`. */
import * as z from "zod/mini";
import { relief } from "./fit.ts";
import { band, budget, count, meta, model, notes, request, term } from "./parts.ts";

export const estimateSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/estimate@1"),
    model: model(),
    request: request(),
    devices: z.array(
      z.looseObject({ id: z.string(), count: count(), terms: z.array(term()), total: band() }),
    ),
    total: meta(band(), "the worst device"),
    terms: meta(z.array(term()), "of the worst device"),
    budget: z.optional(budget()),
    notes: notes(),
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
    terms: meta(z.array(term()), "of the worst device"),
    winner: z.string(),
    budget: z.optional(budget()),
    reliefs: z.optional(z.array(relief())),
    notes: notes(),
  });
