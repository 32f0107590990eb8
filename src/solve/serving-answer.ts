/** One inverse question about serving, answered with the evidence: what the answer needs and what the next does. */
import type { Note } from "../architecture/model.ts";
import { withDegrees } from "../estimate/degrees.ts";
import { type EffectiveRequest, type EstimateOptions, estimate } from "../estimate/estimate.ts";
import type { Bytes } from "../units.ts";
import { type Advice, advise } from "./advice.ts";
import { type DevicesAnswer, fewestDevices, smallestTp } from "./devices.ts";
import { candidateFormats, type FormatAnswer, formatsThatFit } from "./formats.ts";
import { type GridRow, gridOf } from "./grid.ts";
import { headroomOf } from "./headroom.ts";
import { batchLimit, contextLimit, largestBatch, longestContext, type SolveInput } from "./inverse.ts";
import type { ServingUnknown } from "./unknowns.ts";

/** A value with what the worst device then needs. */
export interface SizedValue {
  readonly value: number;
  readonly bytes: Bytes;
  /** Negative when it does not fit. */
  readonly headroom: number;
}

/** The largest value that fits, and the one after it, which does not. */
export interface LargestAnswer {
  readonly kind: "context" | "batch";
  readonly fits: boolean;
  /** Null when not even 1 fits. */
  readonly answer: SizedValue | null;
  /** Null when the search ended at the limit of the model or the engine. */
  readonly next: SizedValue | null;
  readonly request: EffectiveRequest;
  readonly notes: readonly Note[];
  readonly advice: readonly Advice[];
}

export interface FormatsAnswer {
  readonly kind: "format";
  readonly fits: boolean;
  readonly answer: FormatAnswer | null;
  /** Everything tried, the most bytes first. */
  readonly formats: readonly FormatAnswer[];
  readonly request: EffectiveRequest;
  readonly notes: readonly Note[];
  readonly advice: readonly Advice[];
}

export interface CardsAnswer {
  readonly kind: "gpus" | "tp";
  readonly fits: boolean;
  readonly answer: DevicesAnswer | null;
  /** The layout with fewer devices that lacks least; null when their weights alone rule them all out. */
  readonly closest: DevicesAnswer | null;
  readonly request: EffectiveRequest;
  readonly notes: readonly Note[];
  readonly advice: readonly Advice[];
}

export interface GridAnswer {
  readonly kind: "grid";
  readonly fits: boolean;
  readonly rows: readonly GridRow[];
  readonly request: EffectiveRequest;
  readonly notes: readonly Note[];
  readonly advice: readonly Advice[];
}

export type ServingAnswer = LargestAnswer | FormatsAnswer | CardsAnswer | GridAnswer;

/**
 * Answers one question about serving a model on a card: the longest context, the largest batch, the best format,
 * the fewest cards or the smallest tensor degree that fits; without an unknown a grid of formats and contexts.
 *
 * @param mostDevices bounds `gpus` and `tp`; default 4096
 * @throws bad-option, unknown-name for a request that `estimate` refuses
 * @example fit({ model: llama_3_1_8b, options: {}, budgetBytes: 48e9 }, "gpus").answer.devices // 1
 * @example fit({ model: llama_3_1_8b, options: {}, budgetBytes: 12e9 }, "gpus").answer.devices // 2
 */
export function fit(
  asked: SolveInput & { readonly mostDevices?: number },
  unknown: ServingUnknown | undefined,
): ServingAnswer {
  const input = { ...asked, options: withDegrees(asked.model, asked.options) };
  switch (unknown) {
    case "context":
      return largestAnswer(input, {
        kind: "context",
        value: longestContext(input),
        limit: contextLimit(input.model),
        at: (contextTokens) => ({ contextTokens }),
      });
    case "batch":
      return largestAnswer(input, {
        kind: "batch",
        value: largestBatch(input),
        limit: batchLimit(input.options),
        at: (batch) => ({ batch }),
      });
    case "format":
      return formatAnswer(input);
    case "gpus":
      return cardsAnswer(input, "gpus");
    case "tp":
      return cardsAnswer(input, "tp");
    case undefined: {
      const rows = gridOf(input);
      const fits = rows.some((row) => row.longestContext > 0);
      return {
        kind: "grid",
        fits,
        rows,
        ...effective(input),
        advice: adviceUnless(fits, input, ["dtype", "harsh-dtype"]),
      };
    }
  }
}

function adviceUnless(
  fits: boolean,
  { model, options, budgetBytes }: SolveInput,
  without: readonly Advice["change"][],
): readonly Advice[] {
  return fits ? [] : advise(model, options, budgetBytes, without);
}

/** The request as it took effect, with what was inferred on the way. */
function effective(
  { model, options }: SolveInput,
  more: EstimateOptions = {},
): { readonly request: EffectiveRequest; readonly notes: readonly Note[] } {
  const { request, notes } = estimate(model, { ...options, ...more });
  return { request, notes };
}

function largestAnswer(
  input: SolveInput,
  of: {
    readonly kind: "context" | "batch";
    readonly value: number;
    readonly limit: number;
    readonly at: (value: number) => EstimateOptions;
  },
): LargestAnswer {
  const { kind, value, limit, at } = of;
  const sized = (n: number): SizedValue => {
    const result = estimate(input.model, { ...input.options, ...at(n) });
    return { value: n, bytes: result.total.bytes, headroom: headroomOf(result, input.budgetBytes) };
  };
  const fits = value > 0;
  return {
    kind,
    fits,
    answer: fits ? sized(value) : null,
    next: value < limit ? sized(value + 1) : null,
    ...effective(input, at(Math.max(1, value))),
    advice: adviceUnless(fits, input, [kind]),
  };
}

function formatAnswer(input: SolveInput): FormatsAnswer {
  const formats = formatsThatFit(input, candidateFormats(input));
  const answer = formats.find(({ fits }) => fits) ?? null;
  return {
    kind: "format",
    fits: answer !== null,
    answer,
    formats,
    ...effective(input),
    advice: adviceUnless(answer !== null, input, ["dtype", "harsh-dtype"]),
  };
}

function cardsAnswer(
  input: SolveInput & { readonly mostDevices?: number },
  kind: "gpus" | "tp",
): CardsAnswer {
  const { answer, closest } = kind === "gpus" ? fewestDevices(input) : smallestTp(input);
  const { tp, pp, ep, dp } = answer ?? closest ?? { tp: 1, pp: 1, ep: 1, dp: 1 };
  return {
    kind,
    fits: answer !== null,
    answer,
    closest,
    ...effective(input, { tp, pp, ep, dp }),
    advice: adviceUnless(answer !== null, input, ["gpus"]),
  };
}
