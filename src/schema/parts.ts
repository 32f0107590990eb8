/** Pieces that the schemas of results share. Results may gain fields, so their objects are open. */
import * as z from "zod/mini";
import { TERM_IDS } from "../memory/term.ts";

export const meta = <T extends z.ZodMiniType>(field: T, description: string): T =>
  field.check(z.meta({ description }));

/** Whole bytes, at most 2^53 - 1. */
export const bytes = () => z.int().check(z.nonnegative());
/** A difference of sizes. */
export const difference = () => z.int();
export const count = () => z.int().check(z.nonnegative());

export const band = () =>
  meta(
    z.looseObject({ bytes: bytes(), low: bytes(), high: bytes() }),
    "expected bytes and the band they lie in",
  );

export const basis = () => z.enum(["exact", "modelled", "assumed"]);
export const termId = () => z.enum([...TERM_IDS]);

export const rowTerm = () =>
  z.looseObject({
    id: termId(),
    phase: z.optional(z.string()),
    bytes: bytes(),
    low: bytes(),
    high: bytes(),
    basis: basis(),
  });

export const term = () =>
  z.extend(rowTerm(), { formula: meta(z.string(), "the sum with its numbers, ending in the result") });

export const budget = () =>
  z.looseObject({
    bytes: meta(bytes(), "the limit"),
    fits: z.boolean(),
    headroom: meta(difference(), "limit less need; negative when over"),
    gpu: z.optional(z.string()),
  });

export const gate = () => z.enum(["expected", "high"]);

export const note = () =>
  z.looseObject({
    code: z.string(),
    message: z.string(),
    details: z.optional(z.record(z.string(), z.unknown())),
  });

/** Every effective option of a request, defaults included. */
export const request = () => z.record(z.string(), z.unknown());
