/** What a row may be for, and the options that each use takes: those of the command that does it. */
import { Command, InvalidArgumentError, type Option } from "commander";
import type { Note } from "../../architecture/model.ts";
import type { OptionSpec } from "../../check/option-spec.ts";
import type { Use } from "../../check/result.ts";
import { VramCalcError } from "../../errors.ts";
import { estimateNoted } from "../../estimate/estimate-noted.ts";
import type { EstimateResult } from "../../estimate/serve.ts";
import { type TrainResult, train } from "../../estimate/train.ts";
import { onCards } from "../../estimate/train-on-cards.ts";
import { onceFor } from "../../remember.ts";
import type { LoadedModel } from "../../sources/load-model.ts";
import type { Beside } from "../beside.ts";
import { type Limit, limitNotes } from "../limit.ts";
import { weightsOnlyOption } from "../options.ts";
import { addServeOptions, estimateOptionsOf, type ServeFlags } from "../serve-flags.ts";
import { addTrainOptions, type TrainFlags } from "../train-flags.ts";
import { trainRequestOf } from "../training-request.ts";

/** Options as the command line would have parsed them. */
export type Flags = Readonly<Record<string, unknown>>;

/** A sized request, by the command that would have sized it. */
export type Sized =
  | { readonly use: "serve"; readonly result: EstimateResult; readonly notes: readonly Note[] }
  | { readonly use: "train"; readonly result: TrainResult; readonly notes: readonly Note[] };

interface UseOptions {
  /** Under each spelling: "kvDtype" and "kv-dtype". */
  readonly byName: ReadonlyMap<string, Option>;
}

function optionsOf(command: Command): UseOptions {
  const byName = new Map<string, Option>();
  for (const option of command.options) {
    byName.set(option.attributeName(), option);
    byName.set(flagName(option), option);
  }
  return { byName };
}

/** "kv-dtype" for --kv-dtype, "reshard" for --no-reshard. */
const flagName = (option: Option): string => option.name().replace(/^no-/, "");

const DEFINED: { readonly [U in Use]: UseOptions } = {
  serve: optionsOf(addServeOptions(new Command()).addOption(weightsOnlyOption())),
  train: optionsOf(addTrainOptions(new Command())),
};

/** The spelling in code of an option, which commander makes anew each time that it is asked. */
export const keyOf = onceFor((option: Option): string => option.attributeName());

/** The option of a use under a name, or undefined. */
export const optionOf = (use: Use, name: string): Option | undefined => DEFINED[use].byName.get(name);

/** Names of a use's options, each in its spelling in code. */
export const optionNames = (use: Use): readonly string[] =>
  [...new Set(DEFINED[use].byName.values())].map(keyOf);

/** All options of all uses, for schemas and messages. */
export function optionSpecs(): readonly OptionSpec[] {
  const specs = new Map<string, OptionSpec>();
  for (const use of ["serve", "train"] as const) {
    for (const option of new Set(DEFINED[use].byName.values())) {
      const key = keyOf(option);
      const known = specs.get(key);
      const description = `${use}: ${option.description}`;
      specs.set(key, {
        key,
        name: flagName(option),
        takes: option.isBoolean() || option.negate ? "switch" : pairs(option) ? "pairs" : "text",
        ...(option.argChoices === undefined ? {} : { choices: option.argChoices }),
        description: known === undefined ? description : `${known.description}; ${description}`,
      });
    }
  }
  return [...specs.values()];
}

const pairs = (option: Option): boolean => option.flags.includes("=");

/** The spelling in code of a field that may be written as its flag. */
export const canonicalName = (key: string): string =>
  key.includes("-") ? key.replace(/-([a-z0-9])/g, (_, c: string) => c.toUpperCase()) : key;

/**
 * Reads one option's value as the command line reads its text. Numbers are read as they are written, maps as
 * `a=1,b=2`.
 *
 * @returns undefined for a switch that is off
 * @throws bad-option, or what the option's own parser throws
 */
export function readOption(option: Option, value: unknown): unknown {
  const key = keyOf(option);
  const refuse = (expected: string): never => {
    throw new VramCalcError("bad-option", { option: `"${key}"`, given: shown(value), expected });
  };
  if (option.isBoolean() || option.negate) {
    if (typeof value !== "boolean") return refuse("true or false");
    return option.negate ? (value ? undefined : false) : value ? true : undefined;
  }
  const text =
    typeof value === "string" || typeof value === "number"
      ? String(value)
      : pairs(option) && value !== null && typeof value === "object" && !Array.isArray(value)
        ? Object.entries(value)
            .map(([name, part]) => `${name}=${part === true ? "on" : part === false ? "off" : String(part)}`)
            .join(",")
        : refuse(pairs(option) ? "text or a map" : "text or a number");
  if (option.parseArg === undefined) return text;
  try {
    return option.parseArg(text, undefined);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw inField(error, option, key);
    const problem = error.message;
    throw new VramCalcError("bad-option", {
      option: `"${key}"`,
      given: shown(value),
      expected: option.argChoices === undefined ? expectedBy(problem) : option.argChoices.join(", "),
    });
  }
}

/** A complaint about a flag as one about the field that stands for it. */
function inField(error: unknown, option: Option, key: string): unknown {
  if (!(error instanceof VramCalcError) || error.code !== "bad-option") return error;
  const { details } = error as VramCalcError<"bad-option">;
  const flag = `--${option.name()}`;
  if (!details.option.startsWith(flag)) return error;
  const rest = details.option.slice(flag.length);
  return new VramCalcError("bad-option", { ...details, option: `"${key}"${rest}` });
}

/** What a parser wanted, out of its sentence. */
const expectedBy = (problem: string): string =>
  problem.replace(/^it must be /, "").replace(/^cannot read ".*?" as (.*?): (.*)$/, "$1: $2");

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Sizes a model for a use with options that `readOption` read.
 *
 * @throws whatever the estimate refuses
 */
export function size(
  use: Use,
  loaded: LoadedModel,
  {
    flags,
    limit,
    beside = {},
  }: { readonly flags: Flags; readonly limit: Limit | null; readonly beside?: Beside },
): Sized {
  const engine = use === "serve" ? (flags as ServeFlags).engine : undefined;
  const notes = limit === null ? loaded.notes : [...loaded.notes, ...limitNotes(limit, engine)];
  switch (use) {
    case "serve": {
      const result = estimateNoted(loaded.architecture, {
        ...estimateOptionsOf(flags as ServeFlags, loaded, limit),
        ...beside,
      });
      return { use, result, notes: notes.concat(result.notes) };
    }
    case "train": {
      const on = onCards(trainRequestOf(flags as TrainFlags), limit);
      const result = train(loaded.architecture, on.request);
      return { use, result, notes: notes.concat(result.notes, on.notes) };
    }
  }
}
