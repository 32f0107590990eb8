/** The shape of `vram-calc fit <model> --json`, one for each unknown. */
import * as z from "zod/mini";
import { SERVING_UNKNOWNS, TRAINING_UNKNOWNS } from "../solve/unknowns.ts";
import { band, budget, bytes, count, difference, meta, model, notes, request, term } from "./parts.ts";

const UNKNOWNS = [...new Set([...SERVING_UNKNOWNS, ...TRAINING_UNKNOWNS, "grid" as const])];

/** Bytes on the worst device with what is left of the limit. */
const sized = { bytes: bytes(), headroom: difference() };
const fits = () => z.boolean();

const nextValue = () =>
  meta(z.nullable(z.looseObject(sized)), "the next value, which does not fit; null at the end of the search");
const layout = () =>
  z.looseObject({ ...sized, devices: count(), tp: count(), pp: count(), ep: count(), dp: count() });
const plan = () =>
  z.looseObject({
    ...sized,
    devices: count(),
    tp: count(),
    pp: count(),
    cp: count(),
    ep: count(),
    dp: count(),
    sharding: z.string(),
    checkpointing: z.union([z.string(), count()]),
    gradAccum: count(),
    rank: z.string(),
  });
const format = () => z.looseObject({ ...sized, dtype: z.string(), weightBytes: bytes(), fits: fits() });
const gridRow = () =>
  z.looseObject({
    dtype: z.string(),
    cells: z.array(z.looseObject({ context: count(), bytes: bytes(), fits: fits() })),
    longestContext: meta(count(), "0 when none fits"),
  });
const advice = () =>
  z.looseObject({
    change: z.string(),
    text: z.string(),
    bytes: bytes(),
    frees: difference(),
    fits: fits(),
  });
export const relief = () =>
  z.looseObject({
    change: z.record(z.string(), z.unknown()),
    allocatedBytes: bytes(),
    savedBytes: bytes(),
  });

/** What is solved for has the name that it has in `request`: context, batch, dtype, devices, seqTokens, microBatch. */
export const fitSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/fit@1"),
    model: model(),
    solve: meta(z.enum(UNKNOWNS), "the unknown"),
    train: z.optional(z.boolean()),
    fits: meta(fits(), "whether there is an answer"),
    request: meta(request(), "the answer as a request; the least that was tried where there is none"),
    total: meta(band(), "what that request takes on the worst device"),
    terms: meta(z.array(term()), "of that device"),
    budget: z.extend(budget(), { devices: z.optional(meta(count(), "equal cards that there are")) }),
    context: z.optional(count()),
    batch: z.optional(count()),
    seqTokens: z.optional(count()),
    microBatch: z.optional(count()),
    dtype: z.optional(z.nullable(z.string())),
    devices: z.optional(z.nullable(count())),
    next: z.optional(nextValue()),
    formats: z.optional(z.array(format())),
    layout: z.optional(z.nullable(layout())),
    plans: z.optional(z.array(plan())),
    closest: z.optional(
      meta(z.nullable(z.union([plan(), layout()])), "the layout with fewer devices that lacks least"),
    ),
    grid: z.optional(z.array(gridRow())),
    advice: z.optional(z.array(advice())),
    reliefs: z.optional(z.array(relief())),
    notes: notes(),
  });
