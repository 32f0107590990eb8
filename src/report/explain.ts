/** How a term came about, so that a reader can redo it by hand. */
import { type Band, explainTerm, type Term } from "../memory/term.ts";
import { groupDigits } from "../units.ts";
import { sizeText } from "./size-text.ts";
import { wrap } from "./text-layout.ts";

/** The id of a term, with whose it is when it is not the model's own. */
export const termName = (term: Term): string =>
  term.label === undefined ? term.id : `${term.label} ${term.id}`;

/** "  weights: 14,000,000,000 x 2 B = 28,000,000,000 B = 28.00 GB = 26.08 GiB (exact)". */
const termExplanation = (term: Term, columns: number): string =>
  wrap(
    `  ${termName(term)}: ${explainTerm(term)} = ${sizeText(term.bytes, "both")}${bandText(term)}`,
    columns,
    "    ",
  );

function bandText(term: Term): string {
  if (term.low === term.high) return ` (${term.basis})`;
  return ` (${term.basis}, ${groupDigits(term.low)} to ${groupDigits(term.high)} B)`;
}

/** Every term of a device, and their sum. */
export const explanation = (
  { terms, total }: { readonly terms: readonly Term[]; readonly total: Band },
  columns: number,
): readonly string[] => [
  ...terms.map((term) => termExplanation(term, columns)),
  ...(terms.length < 2
    ? []
    : [
        wrap(
          `  total: ${terms.map(({ bytes }) => groupDigits(bytes)).join(" + ")} = ${groupDigits(total.bytes)} B`,
          columns,
          "    ",
        ),
      ]),
];
