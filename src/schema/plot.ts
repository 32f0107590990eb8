/** The shape of `vram-calc plot ... --json`. */
import * as z from "zod/mini";
import { meta, model, notes, request } from "./parts.ts";

const axis = () => z.looseObject({ label: z.string(), unit: z.nullable(z.string()) });
const number = () => meta(z.nullable(z.number()), "null where it is not finite");

export const plotSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/plot@1"),
    title: z.string(),
    model: z.optional(model()),
    request: z.optional(meta(request(), "what stays the same along the axis, defaults included")),
    x: axis(),
    y: axis(),
    series: z.array(
      z.looseObject({ name: z.string(), points: z.array(z.looseObject({ x: z.number(), y: number() })) }),
    ),
    limits: z.array(z.looseObject({ name: z.string(), y: z.number() })),
    notes: notes(),
  });
