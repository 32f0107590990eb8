/** Pieces that the schemas of results share. Results may gain fields, so their objects are open. */
import * as z from "zod/mini";
import { TERM_IDS } from "../memory/term.ts";

/** The field with a description that the JSON schema keeps. */
export const meta = <T extends z.ZodMiniType>(field: T, description: string): T =>
  field.check(z.meta({ description }));

/** Whole bytes, at most 2^53 - 1. */
export const bytes = () => z.int().check(z.nonnegative());
/** A difference of sizes. */
export const difference = () => z.int();

/** A whole number from 0. */
export const count = () => z.int().check(z.nonnegative());

/** A size with its band. */
export const band = () =>
  meta(
    z.looseObject({ bytes: bytes(), low: bytes(), high: bytes() }),
    "expected bytes and the band they lie in",
  );

const basis = () => z.enum(["exact", "modelled", "assumed"]);
const termId = () => z.enum([...TERM_IDS]);

/** One term of a device. */
export const term = () =>
  z.looseObject({
    id: termId(),
    label: z.optional(meta(z.string(), "whose it is when it is not the model's own")),
    phase: z.optional(z.string()),
    bytes: bytes(),
    low: bytes(),
    high: bytes(),
    basis: basis(),
    formula: meta(z.string(), "the sum with its numbers, ending in the result"),
  });

/** What a result is held against. */
export const budget = () =>
  z.looseObject({
    bytes: meta(bytes(), "the limit"),
    fits: z.boolean(),
    headroom: meta(difference(), "limit less need; negative when over"),
    gpu: z.optional(z.string()),
    tight: z.optional(
      meta(
        z.enum(["pool", "start"]),
        "what is tighter than the card: the cache pool, or what the engine takes at its start",
      ),
    ),
  });

/** The counts of a model: total always, the others where the source says them. */
const parameters = () =>
  meta(
    z.catchall(
      z.looseObject({
        total: count(),
        active: meta(count(), "used by one token"),
        stored: meta(count(), "with buffers"),
        mtp: meta(count(), "prediction layers, not in the total"),
        trainable: z.optional(meta(count(), "what training changes")),
      }),
      count(),
    ),
    "counts: total, active, stored, by group",
  );

/** The one `model` of every result. */
export const model = () =>
  meta(
    z.looseObject({
      id: z.string(),
      source: z.string(),
      family: z.string(),
      parameters: parameters(),
      tied: meta(z.nullable(z.boolean()), "head and embedding are one; null where tensors alone are known"),
      revision: z.optional(z.string()),
    }),
    "what was sized",
  );

/** Which end of the band decides. */
export const gate = () => z.enum(["expected", "high"]);

const note = () =>
  z.looseObject({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()),
  });

/** The notes of every result. */
export const notes = () => meta(z.array(note()), "what was inferred or assumed");

/** Every effective option of a request, defaults included. */
export const request = () => z.record(z.string(), z.unknown());
