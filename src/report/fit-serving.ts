/** `vram-calc fit <model>`: the answer to a question about serving, as text and as JSON. */
import type { DevicesAnswer } from "../solve/devices.ts";
import type { GridRow } from "../solve/grid.ts";
import { LARGEST_BATCH, LONGEST_CONTEXT } from "../solve/inverse.ts";
import type {
  CardsAnswer,
  FormatsAnswer,
  GridAnswer,
  LargestAnswer,
  ServingAnswer,
  SizedValue,
} from "../solve/serving-answer.ts";
import { groupDigits } from "../units.ts";
import {
  adviceLines,
  answerHead,
  contextText,
  explainedLines,
  type FitOptions,
  type FitPlace,
  gapText,
  placeLine,
} from "./fit.ts";
import { noteLines } from "./notes.ts";
import { notesJson } from "./result.ts";
import { sizeText } from "./size-text.ts";
import { alignRows, wrap } from "./text-layout.ts";

/** Renders an answer for people. */
export function servingFitText(place: FitPlace, answer: ServingAnswer, options: FitOptions): string {
  const advice = adviceLines(answer.advice, options);
  const notes = noteLines(place.notes, options);
  return `${[
    placeLine(place, options),
    "",
    ...answerLines(answer, options),
    ...explainedLines(place, answer, options),
    ...(advice.length > 0 ? ["", "what would change that", ...advice] : []),
    ...(notes.length > 0 ? ["", ...notes] : []),
  ].join("\n")}\n`;
}

function answerLines(answer: ServingAnswer, options: FitOptions): readonly string[] {
  switch (answer.kind) {
    case "context":
    case "batch":
      return largestLines(answer, options);
    case "format":
      return formatLines(answer, options);
    case "gpus":
    case "tp":
      return cardLines(answer, options);
    case "grid":
      return gridLines(answer, options);
  }
}

export type Unit = "token" | "sequence";
const UNIT = { context: "token", batch: "sequence" } as const;

/** "1 token", "4,096 tokens". */
export const countText = (count: number, unit: Unit): string =>
  `${groupDigits(count)} ${unit}${count === 1 ? "" : "s"}`;

function largestLines({ kind, answer, next }: LargestAnswer, { columns, paint }: FitOptions): string[] {
  const unit = UNIT[kind];
  if (answer === null)
    return [
      paint("bad", kind === "context" ? "not even one token of context fits" : "not even one sequence fits"),
    ];
  const limit = next === null ? limitText(kind, answer.value) : "";
  return [
    paint(
      "good",
      `${kind === "context" ? "longest context" : "largest batch"}: ${countText(answer.value, unit)}${limit}`,
    ),
    paint("dim", wrap(`  ${evidence(answer, next, unit)}`, columns, "  ")),
  ];
}

/** Why the search ended there. */
function limitText(kind: LargestAnswer["kind"], value: number): string {
  if (kind === "batch")
    return value === LARGEST_BATCH ? " and more: larger ones are not searched" : ", all that run at once";
  return value === LONGEST_CONTEXT ? " and more: the model declares no maximum" : ", the model's maximum";
}

/** What the answer needs, and by how much the next one is over. */
export function evidence(answer: SizedValue, next: SizedValue | null, unit: Unit): string {
  const needs = `needs ${sizeText(answer.bytes, "GiB")} with ${gapText(answer.headroom)} to spare`;
  return next === null
    ? needs
    : `${needs}; ${countText(next.value, unit)} would be ${gapText(next.headroom)} over`;
}

function formatLines({ answer, formats }: FormatsAnswer, { columns, paint }: FitOptions): string[] {
  const rows = alignRows(
    formats.map(({ dtype, bytes, headroom, fits }) => [
      dtype,
      sizeText(bytes, "GiB"),
      fits ? `${gapText(headroom)} to spare` : `${gapText(headroom)} over`,
    ]),
    ["left", "right", "right"],
  );
  const head =
    answer === null
      ? paint("bad", "no format fits")
      : paint("good", `largest format that fits: ${answer.dtype}, ${sizeText(answer.bytes, "both")}`);
  return [wrap(head, columns), "", ...rows.map((row, i) => paint(formats[i]!.fits ? "good" : "dim", row))];
}

function cardLines({ kind, answer, closest }: CardsAnswer, { columns, paint }: FitOptions): string[] {
  const what = kind === "gpus" ? "fewest cards" : "smallest tp";
  const lines: string[] = [];
  if (answer === null)
    lines.push(
      paint("bad", kind === "gpus" ? "no number of cards tried is enough" : "no tp of the model is enough"),
    );
  else {
    const flags = degreeFlags(answer);
    const value = kind === "gpus" ? answer.devices : answer.tp;
    lines.push(paint("good", `${what}: ${groupDigits(value)}${flags === "" ? "" : ` (${flags})`}`));
    lines.push(
      paint(
        "dim",
        wrap(
          `  the fullest needs ${sizeText(answer.bytes, "GiB")} with ${gapText(answer.headroom)} to spare`,
          columns,
          "  ",
        ),
      ),
    );
  }
  if (closest !== null) {
    const flags = degreeFlags(closest);
    const cards = `${groupDigits(closest.devices)} ${closest.devices === 1 ? "card" : "cards"}`;
    lines.push(
      paint(
        "dim",
        wrap(
          `  ${cards}${flags === "" ? "" : ` (${flags})`}: needs ${sizeText(closest.bytes, "GiB")}, ${gapText(closest.headroom)} over`,
          columns,
          "  ",
        ),
      ),
    );
  } else if (answer !== null && (kind === "gpus" ? answer.devices : answer.tp) > 1)
    lines.push(paint("dim", wrap("  with fewer, the weights alone are over", columns, "  ")));
  return lines;
}

/** "--tp 8 --pp 2", degrees of 1 left out. */
const degreeFlags = (degrees: Pick<DevicesAnswer, "tp" | "pp" | "ep" | "dp">): string =>
  (["tp", "pp", "ep", "dp"] as const)
    .filter((name) => degrees[name] > 1)
    .map((name) => `--${name} ${degrees[name]}`)
    .join(" ");

/** Formats by contexts: what each needs, and whether that fits. */
function gridLines({ rows }: GridAnswer, { columns, paint }: FitOptions): string[] {
  const contexts = rows[0]?.cells.map((cell) => cell.contextTokens) ?? [];
  const drawn = (keep: number): string[] =>
    alignRows(
      [
        ["dtype", ...contexts.slice(0, keep).map(contextText), "longest"],
        ...rows.map((row) => [row.dtype, ...cellTexts(row, keep), longestText(row)]),
      ],
      ["left", ...Array.from({ length: keep }, () => "right" as const), "right"],
    );
  let keep = contexts.length;
  let lines = drawn(keep);
  while (keep > 1 && Math.max(...lines.map((line) => line.length)) > columns) lines = drawn(--keep);
  const [head, ...body] = lines;
  const painted = body.map((line, i) => paint(rows[i]!.longestContext > 0 ? "good" : "bad", line));
  return [paint("dim", head!), ...painted, paint("dim", "  + fits, - does not")];
}

const longestText = ({ longestContext }: GridRow): string =>
  longestContext === 0 ? "none" : groupDigits(longestContext);

const cellTexts = ({ cells }: GridRow, keep: number): string[] =>
  cells.slice(0, keep).map((cell) => `${sizeText(cell.bytes, "GiB")}${cell.fits ? " +" : " -"}`);

/** Plain data for `--json`: what the answer is under the name that it has in a request. */
export function servingFitJson(place: FitPlace, answer: ServingAnswer): Record<string, unknown> {
  return {
    ...answerHead(place, answer),
    ...answerJson(answer),
    advice: answer.advice.map(({ change, text, bytes, frees, fits }) => ({
      change,
      text,
      bytes,
      frees,
      fits,
    })),
    notes: notesJson(place.notes),
  };
}

function answerJson(answer: ServingAnswer): Record<string, unknown> {
  switch (answer.kind) {
    case "context":
    case "batch": {
      const { kind, next } = answer;
      const value = answer.answer?.value ?? 0;
      // Where the search ended of itself there is no maximum to speak of.
      const unlimited = value === (kind === "context" ? LONGEST_CONTEXT : LARGEST_BATCH);
      return {
        [kind]: value,
        [kind === "context" ? "atModelMaximum" : "atEngineMaximum"]: next === null && !unlimited,
        next: next === null ? null : { [kind]: next.value, bytes: next.bytes, headroom: next.headroom },
      };
    }
    case "format":
      return { dtype: answer.answer?.dtype ?? null, formats: answer.formats };
    case "gpus":
    case "tp":
      return {
        devices: answer.answer?.devices ?? null,
        layout: answer.answer,
        closest: answer.closest,
      };
    case "grid":
      return {
        grid: answer.rows.map(({ dtype, cells, longestContext }) => ({
          dtype,
          cells: cells.map(({ contextTokens, bytes, fits }) => ({ context: contextTokens, bytes, fits })),
          longestContext,
        })),
      };
  }
}
