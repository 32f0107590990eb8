/** The shape of `vram-calc formats --json`. */
import * as z from "zod/mini";
import { bytes, count, meta, notes } from "./parts.ts";

const number = () => z.nullable(z.number());

const format = () =>
  z.looseObject({
    id: z.string(),
    name: z.string(),
    kind: z.enum(["float", "integer", "block"]),
    aliases: z.array(z.string()),
    bitsPerValue: z.number(),
    parts: meta(
      z.array(z.looseObject({ elements: z.nullable(count()), bytes: bytes() })),
      "what a block is made of; elements null is once per tensor",
    ),
    ggmlId: z.nullable(count()),
  });
const code = () => z.nullable(z.looseObject({ hex: z.string(), value: z.string() }));
const value = () =>
  z.looseObject({
    format: z.string(),
    typed: z.string(),
    nearestDouble: z.nullable(z.string()),
    outcome: z.enum(["exact", "rounded", "underflow", "out-of-range", "special", "refused", "code"]),
    reason: z.nullable(z.string()),
    stored: code(),
    absoluteError: meta(z.nullable(z.string()), "stored less typed, every digit"),
    relativeError: number(),
    below: code(),
    above: code(),
  });
const block = () =>
  z.looseObject({
    format: z.string(),
    blocks: z.array(z.looseObject({ scale: number(), codes: z.array(number()), values: z.array(number()) })),
    values: z.array(number()),
  });

export const formatsSchema = () =>
  z.looseObject({
    schema: z.literal("vram-calc/formats@1"),
    formats: z.array(format()),
    values: meta(z.array(value()), "each value in each format of single values, value by value"),
    blocks: meta(z.array(block()), "all values together in each block format"),
    notes: notes(),
  });
