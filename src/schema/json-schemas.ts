/** The JSON schemas that the package ships: the same definitions that the program validates and tests with. */
import * as z from "zod/mini";
import type { OptionSpec } from "../check/option-spec.ts";
import { budgetsSchema, type Suggestions } from "./budgets.ts";
import { checkSchema } from "./check.ts";
import { compareSchema } from "./compare.ts";
import { estimateSchema, trainSchema } from "./estimate.ts";
import { fitSchema } from "./fit.ts";
import { formatsSchema } from "./formats.ts";
import { gpusSchema } from "./gpus.ts";
import { inspectSchema } from "./inspect.ts";
import { jsonlRequestSchema, jsonlResponseSchema } from "./jsonl.ts";
import { plotSchema } from "./plot.ts";

/** File name -> schema, JSON Schema draft 2020-12. */
export function jsonSchemas(
  options: readonly OptionSpec[],
  suggest: Suggestions,
): ReadonlyMap<string, Record<string, unknown>> {
  const schemas: readonly (readonly [file: string, title: string, schema: z.ZodMiniType])[] = [
    ["budgets.json", "Budgets file of vram-calc check", budgetsSchema(options, suggest)],
    ["estimate.json", "Result of vram-calc <model> --json", estimateSchema()],
    ["train.json", "Result of vram-calc train <model> --json", trainSchema()],
    ["fit.json", "Result of vram-calc fit <model> --json", fitSchema()],
    ["compare.json", "Result of vram-calc compare <models...> --json", compareSchema()],
    ["inspect.json", "Result of vram-calc inspect <model> --json", inspectSchema()],
    ["plot.json", "Result of vram-calc plot <what...> --json", plotSchema()],
    ["formats.json", "Result of vram-calc formats --json", formatsSchema()],
    ["gpus.json", "Result of vram-calc gpus --json", gpusSchema()],
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
