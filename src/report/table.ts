/** The estimate as a table for people. */
import type { Budget } from "../budget.ts";
import type { DevicePool } from "../estimate/serve.ts";
import { explainTerm, type Term } from "../memory/term.ts";
import { type Bytes, distinguishingDigits, formatBytes, groupDigits } from "../units.ts";
import type { Paint } from "./paint.ts";
import type { Result } from "./result.ts";

export type Units = "GB" | "GiB" | "both";

/** A card that people own, with the bytes a process can be given on it. */
export interface Card {
  readonly name: string;
  readonly usableBytes: Bytes;
}

export interface TableOptions {
  readonly columns: number;
  readonly units: Units;
  readonly explain: boolean;
  readonly paint: Paint;
  /** Cards to compare with when there is no budget. */
  readonly cards: readonly Card[];
}

/** A size in the asked units: "28.00 GB", "26.08 GiB" or both; megabytes where gigabytes would read 0.00. */
export function sizeText(bytes: Bytes, units: Units, digits = 2): string {
  const small = bytes < 1e7;
  const decimal = formatBytes(bytes, { unit: small ? "MB" : "GB", digits });
  const binary = formatBytes(bytes, { unit: small ? "MiB" : "GiB", digits });
  return units === "both" ? `${decimal} = ${binary}` : units === "GB" ? decimal : binary;
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
  }
  const verdict =
    result.budget === undefined
      ? cardLines(result, options)
      : budgetLines(result.budget, result.estimate.total.bytes, options);
  lines.push("", ...verdict);
  if (options.explain) lines.push("", ...explainLines(result, options.columns));
  if (result.notes.length > 0) {
    lines.push("");
    for (const note of result.notes)
      lines.push(paint("dim", wrap(`note: ${note.message}`, options.columns, "      ")));
  }
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

/** The id of a term, with whose it is when it is not the model's own. */
const nameOf = (term: Term): string => (term.label === undefined ? term.id : `${term.label} ${term.id}`);

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

const NAME_WIDTH = 16;

/** Terms with their sizes, basis and a bar of their share of `total`. */
export function termLines(terms: readonly Term[], total: Bytes, options: TableOptions): string[] {
  const sizes = terms.map((term) => termSize(term.bytes, options));
  const width = Math.max(...sizes.map((s) => s.length));
  const names = Math.max(NAME_WIDTH, ...terms.map((term) => nameOf(term).length + 2));
  return terms.map((term, i) => {
    const base = `  ${nameOf(term).padEnd(names)}${sizes[i]!.padStart(width)}  `;
    const basis = options.paint(term.basis, term.basis);
    const room = options.columns - base.length - 10;
    const bar =
      room >= 6
        ? `${" ".repeat(10 - term.basis.length)}${shareBar(term.bytes / total, Math.min(room, 24))}`
        : "";
    return `${base}${basis}${bar}`.trimEnd();
  });
}

/** At narrow widths one unit is enough; the exact bytes are always in --json and --explain. */
function termSize(bytes: Bytes, options: TableOptions): string {
  const { units, columns } = options;
  if (units === "both" && columns < 60) return sizeText(bytes, "GiB");
  if (columns >= 78 && units === "both") return `${groupDigits(bytes)} B = ${sizeText(bytes, units)}`;
  return sizeText(bytes, units);
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A bar of `share` of `width` cells, to an eighth of a cell; a non-zero share is never invisible. */
export function shareBar(share: number, width: number): string {
  const eighths = !(share > 0) ? 0 : Math.max(1, Math.round(Math.min(share, 1) * width * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
}

/**
 * The need as a bar with the limit drawn in: "█████····┃" has room, "█████┃▒▒" is over.
 *
 * @example limitBar({ need: 5, limit: 10, width: 11 }) // "█████·····┃"
 */
export function limitBar(at: {
  readonly need: Bytes;
  readonly limit: Bytes;
  readonly width: number;
}): string {
  const { need, limit } = at;
  const cells = Math.max(4, at.width - 1);
  const scale = cells / Math.max(need, limit, 1);
  // What does not fit is never rounded away, nor is what is left.
  const inside =
    need <= limit
      ? Math.min(cells - (need < limit ? 1 : 0), Math.round(need * scale))
      : Math.min(cells - 1, Math.round(limit * scale));
  if (need <= limit) return `${"█".repeat(inside)}${"·".repeat(cells - inside)}┃`;
  return `${"█".repeat(inside)}┃${"▒".repeat(cells - inside)}`;
}

function totalLine(
  total: { readonly bytes: Bytes; readonly low: Bytes; readonly high: Bytes },
  options: TableOptions,
): string {
  const size = termSize(total.bytes, options);
  const unit = options.units === "GB" ? "GB" : "GiB";
  const digits = 2;
  const band =
    total.low === total.high
      ? ""
      : `  (${formatBytes(total.low, { unit, digits }).replace(/ .*/, "")} to ${formatBytes(total.high, { unit, digits })})`;
  const line = `  ${"total".padEnd(NAME_WIDTH)}${size}`;
  const fits = line.length + band.length <= options.columns;
  return options.paint("strong", line) + (fits ? band : `\n   ${band}`);
}

/** Fits, or over by how much. */
export function budgetLines(budget: Budget, need: Bytes, options: TableOptions): string[] {
  // A card is measured in GiB; a size of one's own is told in the unit that prices and contexts use.
  const unit = options.units === "both" ? (budget.gpu === undefined ? "GB" : "GiB") : options.units;
  const digits = distinguishingDigits(need, budget.bytes, unit);
  // A difference that the digits would round to nothing is told in bytes.
  const size = (bytes: Bytes): string =>
    bytes !== 0 && Number.parseFloat(formatBytes(bytes, { unit, digits })) === 0
      ? formatBytes(bytes, { unit: "B" })
      : formatBytes(bytes, { unit, digits });
  const limit =
    budget.gpu === undefined ? size(budget.bytes) : `${budget.gpu} (${size(budget.bytes)} usable)`;
  const paint = budget.fits ? "good" : "bad";
  const verdict = wrap(verdictText(budget, { limit, need, size }), options.columns);
  // A pool that is too small is as far over as it lacks, however empty the card is beside it.
  const drawn = budget.tight === "pool" && !budget.fits ? budget.bytes - budget.headroom : need;
  const gauge = limitBar({ need: drawn, limit: budget.bytes, width: Math.min(options.columns - 4, 60) });
  return [options.paint(paint, `  ${gauge}`), options.paint(paint, verdict)];
}

function verdictText(
  { fits, headroom, tight }: Budget,
  {
    limit,
    need,
    size,
  }: { readonly limit: string; readonly need: Bytes; readonly size: (bytes: Bytes) => string },
): string {
  if (tight === "pool")
    return fits
      ? `fits ${limit}: the pool has ${size(headroom)} to spare`
      : `over ${limit}: the pool lacks ${size(-headroom)} for this request`;
  return fits
    ? `fits ${limit} with ${size(headroom)} to spare`
    : `over ${limit} by ${size(-headroom)}: needs ${size(need)}`;
}

/** Which common cards hold it: the expected total against what a process can be given. */
function cardLines(result: Result, options: TableOptions): string[] {
  if (options.cards.length === 0) return [];
  const { bytes, high } = result.estimate.total;
  const sure = options.cards.filter((card) => card.usableBytes >= high);
  const tight = options.cards.filter((card) => card.usableBytes >= bytes && card.usableBytes < high);
  const largest = options.cards.reduce((a, b) => (b.usableBytes > a.usableBytes ? b : a));
  if (sure.length + tight.length === 0) {
    const count = Math.ceil(bytes / largest.usableBytes);
    return [
      wrap(
        `fits on no single common card: at least ${count} x ${largest.name}, before what parallel runs add`,
        options.columns,
      ),
    ];
  }
  const list = (cards: readonly Card[]): string => cards.map((card) => card.name).join(", ");
  const lines: string[] = [];
  if (sure.length > 0) lines.push(wrap(`fits on   ${list(sure)}`, options.columns, "          "));
  if (tight.length > 0) lines.push(wrap(`tight on  ${list(tight)}`, options.columns, "          "));
  return lines;
}

function explainLines(result: Result, columns: number): string[] {
  return result.estimate.devices.flatMap((device) =>
    device.terms.map((term) =>
      wrap(
        `  ${nameOf(term)}: ${explainTerm(term)} = ${sizeText(term.bytes, "both")}${bandText(term)}`,
        columns,
        "    ",
      ),
    ),
  );
}

function bandText(term: Term): string {
  if (term.low === term.high) return ` (${term.basis})`;
  return ` (${term.basis}, ${groupDigits(term.low)} to ${groupDigits(term.high)} B)`;
}

/** Breaks a sentence at spaces; continuation lines start with `indent`. */
export function wrap(text: string, columns: number, indent = ""): string {
  const lines: string[] = [];
  const lead = /^ */.exec(text)![0];
  let line = "";
  for (const word of text.trimStart().split(" ")) {
    const next = line === "" ? `${lead}${word}` : `${line} ${word}`;
    if (next.length > columns && line.trim() !== "") {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = next;
  }
  lines.push(line);
  return lines.join("\n");
}
