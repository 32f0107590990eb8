/** The training estimate as a table and as JSON. */

import type { Architecture, Note } from "../architecture/model.ts";
import { type ModelSummary, modelFacts } from "../architecture/summary.ts";
import type { Budget } from "../budget.ts";
import { rowTerm } from "../check/result.ts";
import type { TrainDevice, TrainResult } from "../estimate/train.ts";
import type { TrainRelief } from "../estimate/train-reliefs.ts";
import { type Term, worstOf } from "../memory/term.ts";
import { BITSANDBYTES_READ } from "../memory/training/bitsandbytes-release.ts";
import { TORCH_READ } from "../memory/training/torch-release.ts";
import { TRANSFORMERS_READ } from "../memory/training/transformers-release.ts";
import { groupDigits } from "../units.ts";
import { budgetLines } from "./budget-lines.ts";
import { explanation } from "./explain.ts";
import { flagsText } from "./flags-text.ts";
import { noteLines } from "./notes.ts";
import type { Paint } from "./paint.ts";
import { notesJson } from "./result.ts";
import { sizeText, type Units } from "./size-text.ts";
import { termLines } from "./term-lines.ts";
import { wrap } from "./text-layout.ts";

export interface TrainReport {
  readonly model: ModelSummary;
  readonly architecture: Architecture;
  readonly result: TrainResult;
  readonly reliefs: readonly TrainRelief[];
  readonly budget?: Budget;
  readonly notes: readonly Note[];
}

/** Plain data for `--json`: the shape of the estimate with phases and the three totals. */
export function trainJson({
  model,
  architecture,
  result,
  reliefs,
  budget,
  notes,
}: TrainReport): Record<string, unknown> {
  // Stages that are alike share their terms.
  const known = new Map<readonly Term[], unknown>();
  const plain = (terms: readonly Term[]): unknown => {
    const json = known.get(terms) ?? terms.map(rowTerm);
    known.set(terms, json);
    return json;
  };
  return {
    schema: "vram-calc/train@1",
    model: modelFacts(model, architecture, { trainable: result.parameters.trainable }),
    request: result.request,
    devices: result.devices.map((device) => ({
      id: device.id,
      count: device.count,
      winner: device.winner,
      terms: plain(device.terms),
      phases: device.phases.map(({ phase, terms, allocated }) => ({
        phase,
        allocated,
        terms: plain(terms),
      })),
      allocated: device.allocated,
      reserved: device.reserved,
      total: device.total,
    })),
    totals: result.totals,
    total: result.total,
    terms: plain(worstOf(result.devices).terms),
    winner: result.winner,
    ...(budget === undefined ? {} : { budget }),
    reliefs,
    notes: notesJson(notes),
  };
}

export interface TrainTableOptions {
  readonly columns: number;
  readonly units: Units;
  readonly explain: boolean;
  readonly paint: Paint;
}

const PHASE_TEXT: Readonly<Record<TrainDevice["winner"], string>> = {
  forward: "end of forward",
  "loss-backward": "start of backward, in the loss",
  "layer-backward": "backward of a layer",
  "end-of-backward": "end of backward",
  "optimizer-step": "optimizer step",
};

/** Renders a training estimate: the worst moment of the worst device, the other moments, the three totals. */
export function trainTable(report: TrainReport, options: TrainTableOptions): string {
  const { result } = report;
  const { paint, columns } = options;
  const lines: string[] = [
    paint(
      "strong",
      wrap(
        `${report.model.id}: ${groupDigits(result.parameters.total)} parameters, ${groupDigits(result.parameters.trainable)} trained`,
        columns,
      ),
    ),
    paint("dim", wrap(requestText(result), columns)),
    "",
  ];
  const worst = worstOf(result.devices);
  if (result.devices.length > 1)
    lines.push(
      `worst of ${result.devices.length} stages: ${worst.id}, ${groupDigits(worst.count)} ${worst.count === 1 ? "device" : "devices"}`,
    );
  lines.push(paint("strong", `peak: ${PHASE_TEXT[worst.winner]}`));
  lines.push(...termLines(worst.terms, worst.total.bytes, options));
  lines.push("", ...totalLines(worst, options), "", "moments");
  for (const phase of worst.phases) {
    const mark = phase.phase === worst.winner ? " <- peak" : "";
    const size = sizeText(phase.allocated.bytes, options.units === "GB" ? "GB" : "GiB").padStart(12);
    const line = `  ${PHASE_TEXT[phase.phase].padEnd(32)}${size}${mark}`;
    lines.push(line.length <= columns ? line : `  ${PHASE_TEXT[phase.phase]}\n  ${size}${mark}`);
  }
  if (report.budget !== undefined) lines.push("", ...budgetLines(report.budget, result.total.bytes, options));
  const reliefs = report.reliefs.slice(0, 4);
  if (reliefs.length > 0) {
    lines.push("", "what would lower it");
    for (const relief of reliefs)
      lines.push(
        wrap(
          `  ${flagsText(relief.change)}: saves ${sizeText(relief.savedBytes, options.units === "GB" ? "GB" : "GiB")}`,
          columns,
          "    ",
        ),
      );
  }
  if (options.explain) {
    lines.push("", ...explanation(worst, columns));
  }
  if (report.notes.length > 0) lines.push("", ...noteLines(report.notes, options));
  return `${lines.join("\n")}\n`;
}

function totalLines(device: TrainDevice, { units, paint, columns }: TrainTableOptions): string[] {
  const unit = units === "GB" ? "GB" : "GiB";
  const rows = [
    ["allocated", device.allocated, "max_memory_allocated"],
    ["reserved", device.reserved, "max_memory_reserved"],
    ["device", device.total, "what nvidia-smi shows"],
  ] as const;
  return rows.map(([name, band, meaning]) => {
    const size = `  ${name.padEnd(11)}${sizeText(band.bytes, unit).padStart(12)}`;
    const range = `  (${sizeText(band.low, unit)} to ${sizeText(band.high, unit)})`;
    const parts = [size, range, `  ${meaning}`];
    // The band gives way first to the meaning, then both to the size.
    while (parts.length > 1 && parts.join("").length > columns) parts.pop();
    return paint(name === "device" ? "strong" : "dim", parts.join(""));
  });
}

function requestText({ request }: TrainResult): string {
  const parts = [
    `${request.method} in ${request.precision}`,
    `sequence ${groupDigits(request.seqTokens)}`,
    `micro-batch ${request.microBatch}`,
    ...(request.gradAccum > 1 ? [`${request.gradAccum} accumulated`] : []),
    request.optimizer,
    `checkpointing ${typeof request.checkpointing === "number" ? `every ${request.checkpointing} layers` : request.checkpointing}`,
    ...(request.compile === "none" ? [] : [`${request.compile} compiled`]),
    ...(request.torch === TORCH_READ ? [] : [`PyTorch ${request.torch}`]),
    ...(request.transformers === TRANSFORMERS_READ ? [] : [`transformers ${request.transformers}`]),
    ...(request.method === "qlora" && request.bitsandbytes !== BITSANDBYTES_READ
      ? [`bitsandbytes ${request.bitsandbytes}`]
      : []),
    `${request.attention} attention`,
    `${request.loss} loss`,
    ...(request.method === "lora" || request.method === "qlora"
      ? [
          `rank ${request.loraRank} on ${typeof request.loraTargets === "string" ? request.loraTargets : request.loraTargets.join("+")}`,
          `${request.adapterFormat} adapters`,
          `dropout ${request.loraDropout}`,
        ]
      : []),
    ...(request.method === "qlora" ? [request.quantization] : []),
    ...parallelText(request.parallel),
  ];
  return parts.join(", ");
}

function parallelText(parallel: TrainResult["request"]["parallel"]): string[] {
  const degrees = (["dp", "tp", "pp", "cp", "ep"] as const).filter((name) => parallel[name] > 1);
  if (degrees.length === 0) return [];
  const { sharding, dpReplicate } = parallel;
  const copies = dpReplicate > 1 ? [`${groupDigits(dpReplicate)} copies of the states`] : [];
  return [...degrees.map((name) => `${name} ${groupDigits(parallel[name])}`), sharding, ...copies];
}
