/** The JSON schemas that the package ships: the same definitions that the program validates and tests with. */
import * as z from "zod/mini";
import type { OptionSpec } from "../check/option-spec.ts";
import { budgetsSchema, type Suggestions } from "./budgets.ts";
import { checkSchema } from "./check.ts";
import { estimateSchema, trainSchema } from "./estimate.ts";
import { jsonlRequestSchema, jsonlResponseSchema } from "./jsonl.ts";

/** File name -> schema, JSON Schema draft 2020-12. */
export function jsonSchemas(
  options: readonly OptionSpec[],
  suggest: Suggestions,
): ReadonlyMap<string, Record<string, unknown>> {
  const schemas: readonly (readonly [file: string, title: string, schema: z.ZodMiniType])[] = [
    ["budgets.json", "Budgets file of vram-calc check", budgetsSchema(options, suggest)],
    ["estimate.json", "Result of vram-calc <model> --json", estimateSchema()],
    ["train.json", "Result of vram-calc train <model> --json", trainSchema()],
    ["check.json", "Result of vram-calc check --report json", checkSchema()],
    ["jsonl-request.json", "A line that vram-calc jsonl reads", jsonlRequestSchema(options, suggest)],
    ["jsonl-response.json", "A line that vram-calc jsonl writes", jsonlResponseSchema()],
  ];
  return new Map(
    schemas.map(([file, title, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema) as Record<string, unknown>;
      return [file, { $schema, title, ...rest }];
    }),
  );
}
