/** The shape of `vram-calc compare A B --json`. */
import * as z from "zod/mini";
import { band, budget, meta, model, notes, request, term } from "./parts.ts";

export const compareSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/compare@1"),
    rows: z.array(
      z.looseObject({
        model: model(),
        request: request(),
        total: meta(band(), "the worst device"),
        terms: meta(z.array(term()), "of the worst device"),
        budget: z.optional(budget()),
        notes: notes(),
      }),
    ),
    notes: notes(),
  });
