/** The estimate as a table for people. */
import type { DevicePool } from "../estimate/serve.ts";
import type { CommonCard } from "../hardware/common-cards.ts";
import type { HoldingCards } from "../solve/common-cards.ts";
import { groupDigits } from "../units.ts";
import { budgetLines } from "./budget-lines.ts";
import { explanation } from "./explain.ts";
import { loadLogLines } from "./load-log.ts";
import { noteLines } from "./notes.ts";
import type { Result } from "./result.ts";
import { sizeText } from "./size-text.ts";
import { type TermLinesOptions, termLines, totalLine } from "./term-lines.ts";
import { wrap } from "./text-layout.ts";

export interface TableOptions extends TermLinesOptions {
  readonly explain: boolean;
  /** Common cards that hold it, where there is no budget. */
  readonly cards?: HoldingCards;
}

/** Renders a result. Every line fits `columns` as far as its words allow. */
export function estimateTable(result: Result, options: TableOptions): string {
  const { paint } = options;
  const lines: string[] = [
    paint("strong", headline(result)),
    paint("dim", wrap(subline(result), options.columns)),
    "",
  ];
  for (const device of result.estimate.devices) {
    if (result.estimate.devices.length > 1 || device.count > 1)
      lines.push(
        paint("strong", `${device.id}${device.count > 1 ? ` (${groupDigits(device.count)} devices)` : ""}`),
      );
    lines.push(...termLines(device.terms, device.total.bytes, options));
    lines.push(totalLine(device.total, options));
    if (device.pool !== undefined) lines.push(...poolLines(device.pool, options));
    if (String(result.request.engine).startsWith("llama.cpp"))
      lines.push(...loadLogLines(device.terms, options.columns));
  }
  const verdict =
    result.budget === undefined
      ? cardLines(result, options)
      : budgetLines(result.budget, result.estimate.total.bytes, options);
  lines.push("", ...verdict);
  const { devices } = result.estimate;
  if (options.explain)
    for (const device of devices)
      lines.push(
        "",
        ...(devices.length > 1 ? [paint("strong", device.id)] : []),
        ...explanation(device, options.columns),
      );
  if (result.notes.length > 0) lines.push("", ...noteLines(result.notes, options));
  return `${lines.join("\n")}\n`;
}

function headline(result: Result): string {
  const { model, architecture } = result;
  const { total, active } = architecture.parameters;
  const counts =
    active < total
      ? `${groupDigits(total)} parameters, ${groupDigits(active)} active per token`
      : `${groupDigits(total)} parameters`;
  return `${model.id}: ${counts}`;
}

function subline(result: Result): string {
  const { request } = result;
  const parts = [`weights in ${request.dtype}`];
  if (request.weightsOnly !== true) {
    parts.push(`context ${groupDigits(Number(request.context))}`);
    parts.push(`${request.batch} ${request.batch === 1 ? "sequence" : "sequences"}`);
    if (result.estimate.devices.some(({ terms }) => terms.some(({ id }) => CACHE.includes(id))))
      parts.push(`KV cache in ${request.kvDtype}`);
    if (request.engine !== undefined && request.engine !== "generic") parts.push(`on ${request.engine}`);
    for (const degree of ["tp", "pp", "ep", "dp"]) {
      const value = request[degree];
      if (typeof value === "number" && value > 1) parts.push(`${degree} ${value}`);
    }
  }
  return parts.join(", ");
}

const CACHE: readonly string[] = ["kv-cache", "recurrent-state"];

/** The cache pool in the words of the engine's own log, and what the engine takes of the card with it. */
function poolLines(pool: DevicePool, { columns, units }: TableOptions): string[] {
  return [
    wrap(
      `  pool: ${groupDigits(pool.blocks)} blocks, ${groupDigits(pool.tokens)} tokens, maximum concurrency ${pool.maxConcurrency.toFixed(2)}x at this context`,
      columns,
      "  ",
    ),
    ...(pool.blocks === 0
      ? []
      : [
          wrap(
            `  the engine takes ${sizeText(pool.filledBytes, units === "GB" ? "GB" : "GiB")} of the card at start, the whole pool with it`,
            columns,
            "  ",
          ),
        ]),
  ];
}

/** Which common cards hold it. */
function cardLines(result: Result, { cards, columns }: TableOptions): string[] {
  if (cards === undefined) return [];
  const { bytes } = result.estimate.total;
  const { sure, tight, largest } = cards;
  if (sure.length + tight.length === 0) {
    const count = Math.ceil(bytes / largest.usableBytes);
    return [
      wrap(
        count < 2
          ? "fits on no single common card"
          : `fits on no single common card: at least ${count} x ${largest.name}, before what parallel runs add`,
        columns,
      ),
    ];
  }
  const list = (held: readonly CommonCard[]): string => held.map((card) => card.name).join(", ");
  const lines: string[] = [];
  if (sure.length > 0) lines.push(wrap(`fits on   ${list(sure)}`, columns, "          "));
  if (tight.length > 0) lines.push(wrap(`tight on  ${list(tight)}`, columns, "          "));
  return lines;
}
