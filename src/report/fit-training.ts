/** `vram-calc fit <model> --train`: layouts, largest steps and what would lower them, as text and as JSON. */

import type { TrainPlan } from "../solve/train-plan.ts";
import { LONGEST_SEQUENCE } from "../solve/train-search.ts";
import type { LargestStepAnswer, PlansAnswer, TrainingAnswer } from "../solve/training-answer.ts";
import { groupDigits } from "../units.ts";
import { answerHead, explainedLines, type FitOptions, type FitPlace, gapText, placeLine } from "./fit.ts";
import { countText, evidence } from "./fit-serving.ts";
import { flagsText } from "./flags-text.ts";
import { noteLines } from "./notes.ts";
import { notesJson } from "./result.ts";
import { sizeText } from "./size-text.ts";
import { alignRows, wrap } from "./text-layout.ts";

/** Renders an answer for people. */
export function trainingFitText(place: FitPlace, answer: TrainingAnswer, options: FitOptions): string {
  const lines = "plans" in answer ? planLines(answer, options) : stepLines(answer, options);
  const notes = noteLines(place.notes, options);
  return `${[placeLine(place, options), "", ...lines, ...explainedLines(place, answer, options), ...(notes.length > 0 ? ["", ...notes] : [])].join("\n")}\n`;
}

function stepLines(answer: LargestStepAnswer, { columns, paint }: FitOptions): string[] {
  const { kind, next, reliefs } = answer;
  const unit = kind === "seq" ? "token" : "sequence";
  if (answer.answer === null)
    return [
      paint("bad", kind === "seq" ? "not even a sequence of one token fits" : "not even one sequence fits"),
      ...(reliefs.length > 0 ? ["", "what would lower it"] : []),
      ...reliefs
        .slice(0, 4)
        .map(({ change, savedBytes }) =>
          wrap(`  ${flagsText(change)}: saves ${sizeText(savedBytes, "GiB")}`, columns, "    "),
        ),
    ];
  const limit = next === null ? endText(kind, answer.answer.value) : "";
  return [
    paint(
      "good",
      `${kind === "seq" ? "longest sequence" : "largest micro-batch"}: ${countText(answer.answer.value, unit)}${limit}`,
    ),
    paint("dim", wrap(`  ${evidence(answer.answer, next, unit)}`, columns, "  ")),
  ];
}

/** Why the search ended there. */
function endText(kind: LargestStepAnswer["kind"], value: number): string {
  if (kind === "micro-batch") return " and more: larger ones are not searched";
  return value === LONGEST_SEQUENCE ? " and more: the model declares no maximum" : ", the model's maximum";
}

function planLines(answer: PlansAnswer, options: FitOptions): string[] {
  const { plans, closest, kind } = answer;
  const { columns, paint } = options;
  const [best] = plans;
  if (best === undefined) {
    const within =
      answer.devices !== undefined
        ? `on ${groupDigits(answer.devices)} devices`
        : `of up to ${groupDigits(answer.mostDevices ?? 4096)} devices`;
    return [
      paint("bad", `no layout ${within} fits`),
      wrap(
        closest === null
          ? "  in every layout the states of the model alone are over"
          : `  closest: ${flagsText(planFlags(closest))}, ${sizeText(closest.bytes, "GiB")} on the worst rank, ${gapText(closest.headroom)} over`,
        columns,
        "    ",
      ),
    ];
  }
  const head =
    answer.devices === undefined ? `fewest devices: ${groupDigits(best.devices)}` : "layouts that fit";
  return [
    paint("good", head),
    wrap(`  ${flagsText(planFlags(best))}`, columns, "    "),
    paint(
      "dim",
      wrap(
        `  worst rank ${best.rank === "all" || best.rank === "rank" ? "" : `(${best.rank}) `}takes ${sizeText(best.bytes, "GiB")} with ${gapText(best.headroom)} to spare`,
        columns,
        "  ",
      ),
    ),
    ...(kind === "plan" ? ["", ...planTable(plans, options)] : []),
  ];
}

interface Column {
  readonly name: string;
  readonly cell: (plan: TrainPlan) => string;
  readonly align: "left" | "right";
}

const degree = (name: "tp" | "pp" | "cp" | "ep" | "dp"): Column => ({
  name,
  cell: (plan) => groupDigits(plan[name]),
  align: "right",
});

const COLUMNS: readonly Column[] = [
  { name: "devices", cell: ({ devices }) => groupDigits(devices), align: "right" },
  degree("dp"),
  degree("tp"),
  degree("pp"),
  degree("cp"),
  degree("ep"),
  { name: "sharding", cell: ({ sharding }) => sharding, align: "left" },
  { name: "checkpointing", cell: ({ checkpointing }) => checkpointingText(checkpointing), align: "left" },
  { name: "worst rank", cell: ({ bytes }) => sizeText(bytes, "GiB"), align: "right" },
  { name: "to spare", cell: ({ headroom }) => gapText(headroom), align: "right" },
];
/** Columns that a narrow terminal goes without, the first to go first. */
const DROPPED = ["to spare", "checkpointing", "sharding", "worst rank"];

/** One row per layout; degrees that no layout uses have no column. */
function planTable(plans: readonly TrainPlan[], { columns, paint }: FitOptions): string[] {
  const used = COLUMNS.filter(
    ({ name, cell }) => name.length !== 2 || plans.some((plan) => cell(plan) !== "1"),
  );
  const drawn = (shown: readonly Column[]): string[] =>
    alignRows(
      [shown.map(({ name }) => name), ...plans.map((plan) => shown.map(({ cell }) => cell(plan)))],
      shown.map(({ align }) => align),
    );
  let lines = drawn(used);
  for (let drop = 1; drop <= DROPPED.length; drop++) {
    if (Math.max(...lines.map((line) => line.length)) <= columns) break;
    lines = drawn(used.filter(({ name }) => !DROPPED.slice(0, drop).includes(name)));
  }
  const [head, ...body] = lines;
  return [paint("dim", head!), ...body];
}

const checkpointingText = (checkpointing: TrainPlan["checkpointing"]): string =>
  typeof checkpointing === "number" ? `every=${checkpointing}` : checkpointing;

/** The flags of `vram-calc train` that a plan stands for; degrees of 1 are left out. */
function planFlags(plan: TrainPlan): Readonly<Record<string, string | number>> {
  const { dp, tp, pp, cp, ep, sharding, gradAccum } = plan;
  const degrees = Object.entries({ dp, tp, pp, cp, ep }).filter(([, value]) => value > 1);
  return {
    ...Object.fromEntries(degrees),
    ...(sharding === "none" ? {} : { sharding }),
    checkpointing: checkpointingText(plan.checkpointing),
    ...(gradAccum > 1 ? { gradAccum } : {}),
  };
}

/** Plain data for `--json`. */
export function trainingFitJson(place: FitPlace, answer: TrainingAnswer): Record<string, unknown> {
  return {
    ...answerHead(place, answer),
    train: true,
    ...answerJson(answer),
    notes: notesJson(place.notes),
  };
}

function answerJson(answer: TrainingAnswer): Record<string, unknown> {
  switch (answer.kind) {
    case "micro-batch":
    case "seq": {
      const name = answer.kind === "seq" ? "seqTokens" : "microBatch";
      const { next } = answer;
      return {
        [name]: answer.answer?.value ?? 0,
        next: next === null ? null : { [name]: next.value, bytes: next.bytes, headroom: next.headroom },
        reliefs: answer.reliefs,
      };
    }
    case "gpus":
    case "plan": {
      const row = ({ request, ...plan }: TrainPlan): Omit<TrainPlan, "request"> => plan;
      return {
        devices: answer.plans[0]?.devices ?? null,
        plans: answer.plans.map(row),
        closest: answer.closest === null ? null : row(answer.closest),
        layoutsSized: answer.sized,
      };
    }
  }
}
