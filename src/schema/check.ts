/** The shape of `vram-calc check --report json`, which is also what `--baseline` reads. */
import * as z from "zod/mini";
import type { Baseline } from "../check/growth.ts";
import { band, budget, bytes, count, difference, gate, meta, model, notes, request, term } from "./parts.ts";

const growth = () =>
  z.looseObject({
    before: bytes(),
    was: z.optional(meta(z.string(), "id in the baseline, where the row had other options")),
    bytes: meta(difference(), "now less before"),
    terms: z.array(z.looseObject({ id: z.string(), phase: z.optional(z.string()), bytes: difference() })),
    allowed: z.optional(bytes()),
    fits: z.boolean(),
  });

const row = () =>
  z.looseObject({
    id: meta(z.string(), "unique in the file; what a baseline is matched by"),
    passes: z.boolean(),
    line: count(),
    column: count(),
    model: model(),
    use: z.enum(["serve", "train"]),
    request: request(),
    total: meta(band(), "the worst device"),
    terms: meta(z.array(term()), "of the worst device"),
    budget: z.extend(budget(), {
      gate: gate(),
      reserved: meta(bytes(), "part of the limit that is to stay free"),
    }),
    growth: z.optional(growth()),
    notes: notes(),
  });

export const checkSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/check@1"),
    file: z.string(),
    passes: z.boolean(),
    counts: z.looseObject({ rows: count(), over: count(), grew: count() }),
    rows: z.array(row()),
    baseline: z.optional(
      z.looseObject({ file: z.string(), added: z.array(z.string()), gone: z.array(z.string()) }),
    ),
    notes: notes(),
  });

/** The part of an earlier check that growth needs: a file that an older version wrote is still a baseline. */
const baselineSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/check@1"),
    rows: z.array(
      z.looseObject({
        id: z.string(),
        total: z.looseObject({ bytes: bytes() }),
        terms: z.array(z.looseObject({ id: z.string(), phase: z.optional(z.string()), bytes: bytes() })),
        model: z.optional(z.looseObject({ id: z.string() })),
        use: z.optional(z.string()),
        budget: z.optional(z.looseObject({ bytes: bytes(), gpu: z.optional(z.string()) })),
      }),
    ),
  });

/** What is wrong with a baseline, as "key, problem"; or its rows. */
export function readBaseline(value: unknown): Baseline["rows"] | { readonly where: string } {
  const read = baselineSchema().safeParse(value);
  if (read.success) return read.data.rows as Baseline["rows"];
  const path = read.error.issues[0]!.path;
  return { where: path.length === 0 ? "the whole file" : `key ${path.map(String).join(".")}` };
}
