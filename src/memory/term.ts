import { VramCalcError } from "../errors.ts";
import { type Bytes, groupDigits } from "../units.ts";

/** Stable names of what lives on the card. */
export const TERM_IDS = [
  "weights",
  "master-weights",
  "adapters",
  "kv-cache",
  "recurrent-state",
  "activations",
  "logits",
  "gradients",
  "optimizer",
  "workspace",
  "communication",
  "runtime",
  "allocator",
] as const;
export type TermId = (typeof TERM_IDS)[number];

/**
 * How a term came about: `exact` is read from tensors or derived without assumption, `modelled` is a
 * formula checked against measurements, `assumed` a stated guess.
 */
export type Basis = "exact" | "modelled" | "assumed";

/** What else a run may hold on the card: a draft model, prediction layers, work on images. */
export type TermLabel = "draft" | "mtp" | "images";

/** One thing that lives on the card. `low <= bytes <= high`; all three are equal when exact. */
export interface Term {
  readonly id: TermId;
  readonly bytes: Bytes;
  readonly low: Bytes;
  readonly high: Bytes;
  readonly basis: Basis;
  /** Template with `{input}` places: "{parameters} x {bytesEach} B". Rendered on demand only. */
  readonly formula: string;
  readonly inputs: Readonly<Record<string, number>>;
  /** Moment of a training step; absent for serving. */
  readonly phase?: string;
  /** Whose it is when it is not the model's own: "draft", "mtp" or "images". */
  readonly label?: TermLabel;
}

/** How a term came about: a template and its numbers. */
export type Explained = Pick<Term, "formula" | "inputs">;

/** A term whose explanation is worked out when it is read: a search sizes thousands that nobody reads. */
export function explainedLater(term: Omit<Term, keyof Explained>, explain: () => Explained): Term {
  let known: Explained | undefined;
  const explained = (): Explained => {
    known ??= explain();
    return known;
  };
  return {
    ...term,
    get formula() {
      return explained().formula;
    },
    get inputs() {
      return explained().inputs;
    },
  };
}

/** A term without doubt, of a sum that is worked out already. */
export const exactSum = (id: TermId, bytes: Bytes, { formula, inputs }: Explained): Term =>
  exactTerm(id, bytes, formula, inputs);

/** A term without doubt. */
export function exactTerm(
  id: TermId,
  bytes: Bytes,
  formula: string,
  inputs: Readonly<Record<string, number>>,
): Term {
  return { id, bytes, low: bytes, high: bytes, basis: "exact", formula, inputs };
}

/**
 * The formula with its numbers put in, ending in the result, so that a reader can redo the sum by hand.
 *
 * @example explainTerm(exactTerm("weights", 28e9, "{count} x {width} B", { count: 14e9, width: 2 })) // "14,000,000,000 x 2 B = 28,000,000,000 B"
 */
export function explainTerm(term: Term): string {
  return `${filledFormula(term)} = ${groupDigits(term.bytes)} B`;
}

/** A place in a template, and the plural noun after it, which one of a thing has not. */
interface Hole {
  readonly name: string;
  readonly noun: string;
  readonly after: string;
}

interface Template {
  readonly before: string;
  readonly holes: readonly Hole[];
}

/** Templates are few and every line of a stream fills some, so each is taken apart once. */
const templates = new Map<string, Template>();
const MOST_TEMPLATES = 10_000;

function templateOf(formula: string): Template {
  const known = templates.get(formula);
  if (known !== undefined) return known;
  const [before = "", ...parts] = formula.split("{");
  const holes = parts.map((part): Hole => {
    const [, name = "", noun = "", after = ""] = /^(\w*)\}( [a-z]+s\b)?(.*)$/s.exec(part) ?? [];
    return { name, noun, after };
  });
  if (templates.size >= MOST_TEMPLATES) templates.clear();
  const template = { before, holes };
  templates.set(formula, template);
  return template;
}

/** The template with its numbers, one of a thing told in the singular. */
function filledFormula({ formula, inputs }: Explained): string {
  const { before, holes } = templateOf(formula);
  let text = before;
  for (const { name, noun, after } of holes) {
    const value = inputs[name];
    if (value === undefined) text += `{${name}}`;
    else text += Number.isInteger(value) ? groupDigits(value) : String(Number(value.toPrecision(12)));
    text += value === 1 ? noun.slice(0, -1) : noun;
    text += after;
  }
  return text;
}

export interface Band {
  readonly bytes: Bytes;
  readonly low: Bytes;
  readonly high: Bytes;
}

/** Sum of terms, edge by edge: the band assumes that the errors agree, so it errs on the wide side. */
export function sumTerms(terms: readonly Term[]): Band {
  let bytes = 0;
  let low = 0;
  let high = 0;
  for (const term of terms) {
    bytes += term.bytes;
    low += term.low;
    high += term.high;
  }
  return { bytes, low, high };
}

/**
 * The sum, where every edge of it is a whole number of bytes: floating point ends that at 2^53, about 9 PB.
 *
 * @throws bad-option beyond it
 * @example sizeable({ bytes: 3, low: 2, high: 4 }).bytes // 3
 */
export function sizeable(total: Band): Band {
  if (total.high <= Number.MAX_SAFE_INTEGER) return total;
  throw new VramCalcError("bad-option", {
    option: "the request",
    given: `${total.bytes.toPrecision(2)} bytes`,
    expected: "less than 2^53 on a device",
  });
}

/** The device that holds most, the first of equals: its verdict is that of the run. */
export const worstOf = <Device extends { readonly total: Band }>(devices: readonly Device[]): Device =>
  devices.reduce((a, b) => (b.total.bytes > a.total.bytes ? b : a));
