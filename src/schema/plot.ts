/** The shape of `vram-calc plot ... --json`. */
import * as z from "zod/mini";
import { band, meta, model, notes, request, term } from "./parts.ts";

const axis = () => z.looseObject({ label: z.string(), unit: z.nullable(z.string()) });
const number = () => meta(z.nullable(z.number()), "null where it is not finite");

export const plotSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/plot@1"),
    title: z.string(),
    model: z.optional(model()),
    request: z.optional(meta(request(), "at the end of the axis, defaults included")),
    total: z.optional(meta(band(), "what that request takes on the worst device")),
    terms: z.optional(meta(z.array(term()), "of that device")),
    x: axis(),
    y: axis(),
    series: z.array(
      z.looseObject({ name: z.string(), points: z.array(z.looseObject({ x: z.number(), y: number() })) }),
    ),
    limits: z.array(z.looseObject({ name: z.string(), y: z.number() })),
    notes: notes(),
  });
