/** `vram-calc fit`: what the reports of serving and training share, and advice. */

import type { Architecture, Note } from "../architecture/model.ts";
import { type ModelSummary, modelFacts } from "../architecture/summary.ts";
import { rowTerm } from "../check/result.ts";
import type { Advice } from "../solve/advice.ts";
import type { Sizing } from "../solve/serving-answer.ts";
import { type Bytes, formatBytes, groupDigits, type Tokens } from "../units.ts";
import { explanation } from "./explain.ts";
import type { Paint } from "./paint.ts";
import { sizeText, type Units } from "./size-text.ts";
import { wrap } from "./text-layout.ts";

/** Where the answer holds. */
export interface FitPlace {
  readonly model: ModelSummary;
  readonly architecture: Architecture;
  readonly budgetBytes: Bytes;
  /** Name of the card; absent for a bare size. */
  readonly gpu?: string;
  /** Equal devices that are there, when more than one was asked for. */
  readonly devices?: number;
  readonly notes: readonly Note[];
}

export interface FitOptions {
  readonly columns: number;
  readonly explain: boolean;
  readonly paint: Paint;
}

/** "llama-3.1-8b on 2 x GeForce RTX 4090 (23.52 GiB usable)". */
export function placeLine(place: FitPlace, { columns, paint }: FitOptions): string {
  const count = place.devices === undefined ? "" : `${groupDigits(place.devices)} x `;
  const where =
    place.gpu === undefined
      ? `${count}${sizeText(place.budgetBytes, "both")}`
      : `${count}${place.gpu} (${sizeText(place.budgetBytes, "GiB")} usable)`;
  return paint("strong", wrap(`${place.model.id} on ${where}`, columns));
}

/** What every answer's JSON has: the request that it stands for, sized, and the limit. */
export function answerHead(
  place: FitPlace,
  answer: Sizing<object> & { readonly kind: string; readonly fits: boolean },
): Record<string, unknown> {
  const { kind, fits, request, total, terms, headroom } = answer;
  return {
    schema: "vram-calc/fit@1",
    model: modelFacts(place.model, place.architecture),
    solve: kind,
    fits,
    request,
    total,
    terms: terms.map(rowTerm),
    budget: {
      bytes: place.budgetBytes,
      fits: headroom >= 0,
      headroom,
      ...(place.gpu === undefined ? {} : { gpu: place.gpu }),
      ...(place.devices === undefined ? {} : { devices: place.devices }),
    },
  };
}

/** With `--explain` the terms behind the answer, and what is left of the limit. */
export function explainedLines(
  { budgetBytes }: FitPlace,
  { kind, terms, total, headroom }: Sizing<object> & { readonly kind: string },
  { columns, explain, paint }: FitOptions,
): readonly string[] {
  if (!explain) return [];
  const left = budgetBytes - total.bytes;
  const what = kind === "grid" ? "the request as it is, without the grid" : "the answer on the worst device";
  return [
    "",
    paint("strong", what),
    ...explanation({ terms, total }, columns),
    wrap(
      `  headroom: ${groupDigits(budgetBytes)} - ${groupDigits(total.bytes)} = ${groupDigits(left)} B${left === headroom ? "" : `; the cache pool, which is tighter, has ${groupDigits(headroom)} B to spare`}`,
      columns,
      "    ",
    ),
  ];
}

/** A difference, to the byte where that is how small it is: "12,288 B", "0.41 GiB". */
export function gapText(bytes: number): string {
  const size = Math.abs(Math.round(bytes));
  return size < 1e6 ? formatBytes(size, { unit: "B" }) : sizeText(size, "GiB");
}

/** "32k" for 32,768. */
export function contextText(tokens: Tokens): string {
  if (tokens % 2 ** 20 === 0) return `${tokens / 2 ** 20}m`;
  return tokens % 1024 === 0 ? `${tokens / 1024}k` : String(tokens);
}

/** What would make it fit, one line each. */
export function adviceLines(
  advice: readonly Advice[],
  { columns, paint, units = "GiB" }: Pick<FitOptions, "columns" | "paint"> & { readonly units?: Units },
): string[] {
  // One size is enough beside another; GB alone for those who asked for it.
  const unit = units === "GB" ? "GB" : "GiB";
  return advice.map((item) => {
    const effect = `frees ${sizeText(item.frees, unit)}, then ${sizeText(item.bytes, unit)}`;
    const line = wrap(`  ${item.text}: ${effect}${item.fits ? ", fits" : ", still over"}`, columns, "    ");
    return item.fits ? line.replace(/fits$/, paint("good", "fits")) : line;
  });
}
