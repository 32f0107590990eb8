/** The shapes of a request line and a result line of `vram-calc jsonl`. */
import * as z from "zod/mini";
import type { OptionSpec } from "../check/option-spec.ts";
import { rowFields, type Suggestions } from "./budgets.ts";
import { estimateSchema, trainSchema } from "./estimate.ts";
import { count, meta } from "./parts.ts";

const id = () => meta(z.union([z.string(), z.number()]), "echoed with the result");

/** A request: the fields of a row of a budgets file, with or without a limit. */
export function jsonlRequestSchema(options: readonly OptionSpec[], suggest?: Suggestions): z.ZodMiniType {
  const { model, ...rest } = rowFields(options, suggest);
  const fields = Object.entries(rest).map(([key, field]) => [key, z.optional(field())] as const);
  return z.strictObject({ id: z.optional(id()), model: model!(), ...Object.fromEntries(fields) });
}

/** A result: an estimate, or the error of the line. */
export const jsonlResponseSchema = () =>
  z.union([
    z.extend(estimateSchema(), { id: z.optional(id()) }),
    z.extend(trainSchema(), { id: z.optional(id()) }),
    z.looseObject({
      id: z.optional(id()),
      line: count(),
      error: z.looseObject({
        code: z.string(),
        message: z.string(),
        details: z.record(z.string(), z.unknown()),
      }),
    }),
  ]);
