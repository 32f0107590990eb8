import { InvalidArgumentError, Option } from "commander";
import { VramCalcError } from "../errors.ts";
import { spelled } from "../estimate/train-names.ts";
import { ATTENTION_IMPLEMENTATIONS } from "../memory/attention-mask.ts";
import { parseLengths } from "../memory/batch-lengths.ts";
import { parseBytes, parseTokens } from "../units.ts";

/** Lets commander report a core error under the name of the flag, unless the error says it itself. */
export function parsed<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof VramCalcError && error.code !== "bad-option")
        throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** An option of some values, which have other names too; `_` and `-` are one. `instead` says what asks for what is no value. */
export function named(
  option: Option,
  values: readonly string[],
  aliases: { readonly [name: string]: string },
  instead: { readonly [name: string]: string } = {},
): Option {
  return option.choices(values).argParser((text) => {
    const wanted = spelled(text);
    const value = values.includes(wanted)
      ? wanted
      : Object.hasOwn(aliases, wanted)
        ? aliases[wanted]
        : undefined;
    if (value !== undefined) return value;
    throw new InvalidArgumentError(
      Object.hasOwn(instead, wanted)
        ? `Say ${instead[wanted]}.`
        : `Allowed choices are ${values.join(", ")}.`,
    );
  });
}

/** A whole number of at least one. */
export function parsePositive(text: string): number {
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replace(/_/g, "")) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("it must be a whole number from 1.");
  return value;
}

export const contextOption = (): Option =>
  new Option(
    "-c, --context <tokens>",
    "tokens kept per sequence; k is 1024 (default: 4096, or less if the model ends there)",
  ).argParser(
    parsed((text) => {
      const tokens = parseTokens(text);
      if (tokens < 1)
        throw new VramCalcError("bad-quantity", {
          what: "a context length",
          input: text,
          hint: "it starts at 1 token",
        });
      return tokens;
    }),
  );
export const batchOption = (): Option =>
  new Option("-b, --batch <n>", "sequences on the card at once (default: 1)").argParser(parsePositive);
export const dtypeOption = (): Option =>
  new Option(
    "-d, --dtype <format>",
    "format of the weights: fp16, bf16, fp8, q8_0, ... (default: as published)",
  );
export const kvDtypeOption = (): Option =>
  new Option(
    "--kv-dtype <format>",
    "format of the KV cache, or keys/values apart: fp16, fp8, q8_0/q4_0 (default: 16 bits)",
  );
export const gpuOption = (): Option =>
  new Option("--gpu <name>", "fits on this card? exit 1 if not: h100, rtx-4090, 2xl40s");
export const budgetOption = (): Option =>
  new Option("--budget <size>", "fits in this size? exit 1 if not: 24GB (10^9), 24GiB (2^30)")
    .argParser(
      parsed((text) => {
        const bytes = parseBytes(text);
        if (bytes > 0) return bytes;
        throw new VramCalcError("bad-option", {
          option: "--budget",
          given: `"${text}"`,
          expected: "a size above zero",
        });
      }),
    )
    .conflicts("gpu");
export const jsonOption = (): Option => new Option("--json", "print the result as JSON");
export const explainOption = (): Option =>
  new Option("--explain", "show each term's formula with its numbers; --json always does");
export const unitsOption = (): Option =>
  new Option("--units <unit>", "GB (10^9), GiB (2^30) or both")
    .choices(["GB", "GiB", "both"])
    .default("both");
/** One unit: for tables whose rows have no room for two. */
export const smallUnitsOption = (): Option =>
  new Option("--units <unit>", "GB (10^9) or GiB (2^30)").choices(["GB", "GiB"]).default("GiB");
export const weightsOnlyOption = (): Option =>
  new Option("--weights-only", "weights and nothing else").conflicts(["context", "batch", "kvDtype"]);
export const assumeFamilyOption = (): Option =>
  new Option("--assume-family <name>", "size an unknown model type as this family, with a note");

/** Words separated by commas. */
export function listOf(text: string): readonly string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.some((word) => word === ""))
    throw new InvalidArgumentError("an entry between the commas is empty.");
  return words;
}

export const lengthsOption = (): Option =>
  new Option("--lengths <tokens>", "a real batch by its prompt lengths, 512,200,1k: padded against packed")
    .argParser(parsed(parseLengths))
    .conflicts(["batch", "context", "weightsOnly"]);
export const attentionOption = (): Option =>
  new Option("--attention <kind>", "attention implementation, for what masks and scores cost")
    .choices(ATTENTION_IMPLEMENTATIONS)
    .conflicts("weightsOnly");

export const fieldOption = (): Option =>
  new Option(
    "--field <path>",
    "print one value of the JSON: total.bytes, devices.0.terms.weights.bytes",
  ).conflicts("explain");
export const jsonlOption = (): Option =>
  new Option("--jsonl", "requests on standard input, a result per line: the same as the command jsonl");
