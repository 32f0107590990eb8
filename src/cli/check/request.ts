/** A sizing request read from plain fields: what a row of a budgets file and a line of `jsonl` have in common. */
import type { Gate } from "../../budget.ts";
import { type Margin, parseMargin } from "../../check/margin.ts";
import { USES, type Use } from "../../check/result.ts";
import { nearestNames, VramCalcError } from "../../errors.ts";
import { type Bytes, parseBytes } from "../../units.ts";
import { canonicalName, type Flags, keyOf, optionNames, optionOf, readOption } from "./uses.ts";

export interface SizeRequest {
  readonly model: string;
  readonly use: Use;
  readonly flags: Flags;
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly headroom: Margin;
  readonly gate: Gate;
  readonly assumeFamily?: string;
}

/** Fields that are no options of the estimate. */
const OWN_FIELDS = ["model", "use", "gpu", "budget", "headroom", "gate", "assumeFamily"] as const;

/** What of a text would not survive being printed. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** How a request is read field by field, so that a caller can say where a refused field stands. */
export interface FieldReader {
  readonly field: (name: string, value: unknown) => void;
  /** The whole, when all fields were read. */
  readonly finish: () => SizeRequest;
}

const NO_MARGIN: Margin = { bytes: 0 };

/** Starts a request for a use. `field` takes canonical names and their values, in any order. */
export function requestReader(use: Use): FieldReader {
  const flags: Record<string, unknown> = {};
  const own: { -readonly [F in Exclude<keyof SizeRequest, "use" | "flags">]?: SizeRequest[F] } = {};
  return {
    field: (name, value) => {
      const option = optionOf(use, name);
      if (option !== undefined) {
        const read = readOption(option, value);
        if (read !== undefined) flags[keyOf(option)] = read;
        return;
      }
      switch (name) {
        case "use":
          return;
        case "model":
          own.model = textOf(name, value, "14B, qwen2.5-14b, a path or a hub id");
          if (own.model === "-") fail(name, value, "a count, a name, a path or a hub id");
          return;
        case "gpu":
          own.gpu = textOf(name, value, "a card such as l40s or 2xl40s");
          return;
        case "assumeFamily":
          own.assumeFamily = textOf(name, value, "a family such as llama");
          return;
        case "budget":
          own.budget = parseBytes(textOf(name, value, "a size such as 24GiB"));
          if (own.budget === 0) fail(name, value, "a size above zero");
          return;
        case "headroom":
          own.headroom = parseMargin("headroom", textOf(name, value, "5% or 2GiB"));
          return;
        case "gate":
          if (value !== "expected" && value !== "high") fail(name, value, "expected or high");
          own.gate = value as Gate;
          return;
      }
      throw unknownField(name, use);
    },
    finish: () => {
      const { model, headroom = NO_MARGIN, gate = "expected", ...rest } = own;
      if (model === undefined) return fail("model", undefined, "14B, qwen2.5-14b, a path or a hub id");
      if (own.gpu !== undefined && own.budget !== undefined)
        fail("budget", "a size beside a gpu", "one limit: a gpu or a budget");
      return { model, use, flags, headroom, gate, ...rest };
    },
  };
}

/** The use that a field says, serve when it is absent. */
export function useOf(value: unknown): Use {
  if (value === undefined) return "serve";
  return USES.find((use) => use === value) ?? fail("use", value, USES.join(" or "));
}

/** Reads a plain object: a line of `jsonl`. Fields of another name are refused; `ignored` are the caller's own. */
export function readRequest(
  fields: Readonly<Record<string, unknown>>,
  ignored: ReadonlySet<string>,
): SizeRequest {
  const reader = requestReader(useOf(fields.use));
  const seen = new Set<string>();
  for (const key in fields) {
    if (ignored.has(key)) continue;
    const name = canonicalName(key);
    if (seen.has(name)) fail(key, "two spellings of it", "one");
    seen.add(name);
    reader.field(name, fields[key]);
  }
  return reader.finish();
}

function textOf(name: string, value: unknown, expected: string): string {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || text.trim() === "" || text.length > 4096 || CONTROL.test(text))
    return fail(name, value, expected);
  return text;
}

/** Whether a text may be shown as it is. */
export const isPrintable = (text: string): boolean => !CONTROL.test(text);

function fail(name: string, value: unknown, expected: string): never {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
  const given = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  throw new VramCalcError("bad-option", { option: `"${name}"`, given, expected });
}

function unknownField(name: string, use: Use): VramCalcError {
  const other = USES.find((u) => u !== use && optionOf(u, name) !== undefined);
  if (other !== undefined)
    return new VramCalcError("bad-option", {
      option: `"${name}"`,
      given: `a value for "use": "${use}"`,
      expected: `"use": "${other}"`,
    });
  return new VramCalcError("unknown-name", {
    kind: "field",
    name: name.slice(0, 100),
    nearest: nearestNames(name.slice(0, 100), [...OWN_FIELDS, ...optionNames(use)]),
  });
}
