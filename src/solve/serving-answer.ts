/** One inverse question about serving, answered with the evidence: what the answer needs and what the next does. */
import type { Note } from "../architecture/model.ts";
import { withDegrees } from "../estimate/degrees.ts";
import { estimate } from "../estimate/estimate.ts";
import { estimateNoted } from "../estimate/estimate-noted.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import type { EffectiveRequest } from "../estimate/prepare.ts";
import { type Band, type Term, worstOf } from "../memory/term.ts";
import type { Bytes } from "../units.ts";
import { type Advice, advise } from "./advice.ts";
import { type DevicesAnswer, fewestDevices, smallestTp } from "./devices.ts";
import { candidateFormats, type FormatAnswer, formatsThatFit } from "./formats.ts";
import { type GridRow, gridOf } from "./grid.ts";
import { headroomOf } from "./headroom.ts";
import { batchLimit, contextLimit, largestBatch, longestContext, type SolveInput } from "./inverse.ts";
import { checkQuestion, checkUnknown } from "./question.ts";
import { SERVING_UNKNOWNS, type ServingUnknown } from "./unknowns.ts";

/** A value with what the worst device then needs. */
export interface SizedValue {
  readonly value: number;
  readonly bytes: Bytes;
  /** Negative when it does not fit. */
  readonly headroom: number;
}

/** The request that an answer stands for, sized: what its figures come from. */
export interface Sizing<Request> {
  readonly request: Request;
  readonly notes: readonly Note[];
  /** The worst device. */
  readonly total: Band;
  /** Its terms. */
  readonly terms: readonly Term[];
  /** Limit less need, or what a pool has to spare; negative when over. */
  readonly headroom: number;
}

interface Answered extends Sizing<EffectiveRequest> {
  readonly fits: boolean;
  readonly advice: readonly Advice[];
}

/** The largest value that fits, and the one after it, which does not. */
export interface LargestAnswer extends Answered {
  readonly kind: "context" | "batch";
  /** Null when not even 1 fits. */
  readonly answer: SizedValue | null;
  /** Null when the search ended at the limit of the model or the engine. */
  readonly next: SizedValue | null;
}

export interface FormatsAnswer extends Answered {
  readonly kind: "format";
  readonly answer: FormatAnswer | null;
  /** Everything tried, the most bytes first. */
  readonly formats: readonly FormatAnswer[];
}

export interface CardsAnswer extends Answered {
  readonly kind: "gpus" | "tp";
  readonly answer: DevicesAnswer | null;
  /** The layout with fewer devices that lacks least; null when their weights alone rule them all out. */
  readonly closest: DevicesAnswer | null;
}

export interface GridAnswer extends Answered {
  readonly kind: "grid";
  readonly rows: readonly GridRow[];
}

export type ServingAnswer = LargestAnswer | FormatsAnswer | CardsAnswer | GridAnswer;

/**
 * Answers one question about serving a model on a card: the longest context, the largest batch, the best format,
 * the fewest cards or the smallest tensor degree that fits; without an unknown a grid of formats and contexts.
 *
 * @param mostDevices bounds `gpus` and `tp`; default 4096
 * @throws bad-option, unknown-name for a request that `estimate` refuses, and for a question that there is not
 * @example fit({ model: llama_3_1_8b, options: {}, budgetBytes: 48e9 }, "gpus").answer.devices // 1
 * @example fit({ model: llama_3_1_8b, options: {}, budgetBytes: 12e9 }, "gpus").answer.devices // 2
 */
export function fit(
  asked: SolveInput & { readonly mostDevices?: number },
  unknown: ServingUnknown | undefined,
): ServingAnswer {
  checkQuestion(asked, "fit");
  if (unknown !== undefined) checkUnknown(unknown, SERVING_UNKNOWNS);
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
        ...sizingOf(input),
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

/** The request as it took effect, what it takes, and what was inferred on the way. */
function sizingOf(
  { model, options, budgetBytes }: SolveInput,
  more: EstimateOptions = {},
): Sizing<EffectiveRequest> {
  const result = estimateNoted(model, { ...options, ...more });
  const { request, notes, total, devices } = result;
  const { terms } = worstOf(devices);
  return { request, notes, total, terms, headroom: headroomOf(result, budgetBytes) };
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
    ...sizingOf(input, at(Math.max(1, value))),
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
    // The files as they are have no name that could be asked for.
    ...sizingOf(
      input,
      answer === null || answer.dtype === input.options.stored?.id ? {} : { dtype: answer.dtype },
    ),
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
    ...sizingOf(input, { tp, pp, ep, dp }),
    advice: adviceUnless(answer !== null, input, ["gpus"]),
  };
}
