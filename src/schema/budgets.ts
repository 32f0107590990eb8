/** The shape of a budgets file: validated when one is read, and published as a JSON schema for editors. */
import * as z from "zod/mini";
import type { OptionSpec } from "../check/option-spec.ts";

/** Names that editors may complete; any other text is as good. */
export interface Suggestions {
  readonly models: readonly string[];
  readonly gpus: readonly string[];
}

type Field = z.ZodMiniType;

const described = (field: Field, description: string, examples: readonly unknown[] = []): Field =>
  field.check(z.meta({ description, ...(examples.length === 0 ? {} : { examples: [...examples] }) }));

const text = (): Field => z.string().check(z.minLength(1));
const textOrNumber = (): Field => z.union([text(), z.number()]);

/** Fields of a row that are not options of the estimate. */
function ownFields(suggest: Suggestions | undefined): Record<string, () => Field> {
  return {
    model: () =>
      described(
        textOrNumber(),
        "count (14B), catalogue name, path (from this file's directory) or hub id",
        suggest?.models,
      ),
    use: () => described(z.enum(["serve", "train"]), "what the memory is for; serve by default"),
    gpu: () =>
      described(textOrNumber(), "card whose usable memory is the limit, 2xl40s for several", suggest?.gpus),
    budget: () =>
      described(textOrNumber(), "the limit as a size: 24GB is 10^9, 24GiB is 2^30", ["24GiB", "80GB"]),
    headroom: () =>
      described(textOrNumber(), "part of the limit that is to stay free: a share or a size", ["5%", "2GiB"]),
    gate: () =>
      described(
        z.enum(["expected", "high"]),
        "edge of the band that must fit: expected, or high for the careful",
      ),
    assumeFamily: () => described(text(), "size an unknown model type as this family"),
    "assume-family": () => described(text(), "size an unknown model type as this family"),
  };
}

function optionField(option: OptionSpec): Field {
  const choices = option.choices;
  switch (option.takes) {
    case "switch":
      return described(z.boolean(), option.description);
    case "text":
      return described(
        choices === undefined ? textOrNumber() : z.enum(Object.fromEntries(choices.map((c) => [c, c]))),
        option.description,
      );
    case "pairs":
      return described(
        z.union([text(), z.record(z.string(), z.union([text(), z.number(), z.boolean()]))]),
        option.description,
      );
  }
}

/** Every field that a row may have, under each of its spellings. */
export function rowFields(
  options: readonly OptionSpec[],
  suggest?: Suggestions,
): Readonly<Record<string, () => Field>> {
  const fields = ownFields(suggest);
  for (const option of options)
    for (const key of new Set([option.key, option.name])) fields[key] ??= () => optionField(option);
  return fields;
}

/**
 * The whole file: `{ "defaults": { ... }, "budgets": [ { "model": ..., "gpu": ..., ... } ] }`.
 *
 * @param options what a row may ask of the estimate
 */
export function budgetsSchema(options: readonly OptionSpec[], suggest?: Suggestions): z.ZodMiniType {
  const fields = Object.entries(rowFields(options, suggest));
  const row = Object.fromEntries(fields.map(([key, field]) => [key, z.optional(field())]));
  const matrix = Object.fromEntries(
    fields.map(([key, field]) => [key, z.optional(z.array(field()).check(z.minLength(1)))]),
  );
  const item = z.strictObject({
    name: z.optional(described(text(), "what reports call the row; unique in the file")),
    ...row,
    matrix: z.optional(
      described(z.strictObject(matrix), "lists of values: the row stands for every combination"),
    ),
  });
  return z.strictObject({
    $schema: z.optional(z.string()),
    defaults: z.optional(described(z.strictObject(row), "fields of every row that does not say otherwise")),
    budgets: described(
      z.array(item).check(z.minLength(1)),
      "what must fit where; the check fails when one row does not",
    ),
  });
}
