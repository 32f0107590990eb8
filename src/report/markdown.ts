/** A check as Markdown for a pull-request comment or a step summary. */
import { type CheckedRow, type CheckResult, rowFails } from "../check/result.ts";
import {
  type CheckUnit,
  checkHeadline,
  growthText,
  largestTerms,
  plural,
  rowSizes,
  worstFirst,
} from "./check-text.ts";

/** GitHub refuses a comment that is longer; a step summary may be longer. */
const MOST_CHARACTERS = 65_536;
/** By which a bot finds the comment to replace. */
const MARKER = "<!-- vram-calc check -->";
/** Room kept for the lines after the table. */
const TAIL = 8_192;

/** A headline, a table with the worst rows first, what changed since the baseline; never longer than a comment. */
export function checkMarkdown(result: CheckResult, unit: CheckUnit): string {
  const grown = result.baseline !== undefined;
  const head = [
    MARKER,
    `### GPU memory: ${codeFree(checkHeadline(result))}`,
    "",
    `| | row | needs | limit | verdict |${grown ? " since the baseline |" : ""}`,
    `| --- | --- | ---: | ---: | --- |${grown ? " --- |" : ""}`,
  ];
  const rows = worstFirst(result.rows);
  const lines: string[] = [];
  let length = head.join("\n").length;
  for (const row of rows) {
    const line = rowLine(row, { unit, grown });
    if (length + line.length + 1 > MOST_CHARACTERS - TAIL) break;
    length += line.length + 1;
    lines.push(line);
  }
  const left = rows.length - lines.length;
  const failing = rows.slice(lines.length).filter(rowFails).length;
  const tail =
    left === 0
      ? []
      : [
          "",
          `${plural(left, "more row")} left out, ${failing === 0 ? "none of which fail" : `${failing} of which fail`}.`,
        ];
  return `${[...head, ...lines, ...tail, ...baselineLines(result)].join("\n")}\n`;
}

function rowLine(
  row: CheckedRow,
  { unit, grown }: { readonly unit: CheckUnit; readonly grown: boolean },
): string {
  const { need, limit, verdict } = rowSizes(row, unit);
  const status = !row.budget.fits ? "**over**" : rowFails(row) ? "**grew**" : "fits";
  const limitText = row.budget.gpu === undefined ? limit : `${limit} ${inCode(row.budget.gpu)}`;
  const why = row.budget.fits ? verdict : `${verdict}; ${largestTerms(row, unit)}`;
  const growth = !grown
    ? ""
    : ` ${row.growth === undefined ? "new" : (growthText(row.growth, unit) ?? "unchanged")} |`;
  return `| ${status} | ${inCode(row.id)} | ${need} | ${limitText} | ${why} |${growth}`;
}

function baselineLines({ baseline }: CheckResult): string[] {
  if (baseline === undefined || baseline.gone.length === 0) return [];
  const names = baseline.gone
    .slice(0, 20)
    .map((id) => inCode(id.slice(0, 200)))
    .join(", ");
  const more = baseline.gone.length > 20 ? ` and ${baseline.gone.length - 20} more` : "";
  return ["", `Gone since the baseline: ${names}${more}.`];
}

/**
 * A name as code in a table cell: nothing in it is markup, a mention or the end of the cell.
 *
 * @example inCode("a|b") // "`a\\|b`"
 */
export function inCode(text: string): string {
  const clean = text.replace(/[\r\n]+/g, " ").replace(/\|/g, "\\|");
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `\`${clean}\`` : `${fence} ${clean} ${fence}`;
}

/** Text without what Markdown would take for markup or a mention. */
const codeFree = (text: string): string =>
  text.replace(/[\\`*_<>[\]|@#]/g, (c) => `\\${c}`).replace(/[\r\n]+/g, " ");
