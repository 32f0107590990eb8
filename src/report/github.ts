/** A check as workflow commands of GitHub Actions: an annotation on the line of each row that fails. */
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

/** GitHub shows ten errors per step and drops the rest without a word. */
const MOST_ANNOTATIONS = 10;

/**
 * The worst rows as `::error` lines and the headline as plain text. With more than ten failing rows the tenth
 * annotation says how many are left.
 */
export function checkGithub(result: CheckResult, unit: CheckUnit): string {
  const failing = worstFirst(result.rows.filter(rowFails));
  const shown = failing.length > MOST_ANNOTATIONS ? failing.slice(0, MOST_ANNOTATIONS - 1) : failing;
  const lines = shown.map((row) => annotation(row, result.file, unit));
  const left = failing.length - shown.length;
  if (left > 0)
    lines.push(command({ file: result.file, title: "GPU memory" }, `${plural(left, "more row")} fail`));
  // A headline that began with "::" would itself be a command.
  lines.push(checkHeadline(result).replace(/^:+/, ""));
  return `${lines.join("\n")}\n`;
}

function annotation(row: CheckedRow, file: string, unit: CheckUnit): string {
  const { need, limit, verdict } = rowSizes(row, unit);
  const growth = row.growth === undefined ? null : growthText(row.growth, unit);
  const parts = [
    row.budget.fits ? `needs ${need} of ${limit}` : `needs ${need} of ${limit}: ${verdict}`,
    largestTerms(row, unit),
    ...(growth === null ? [] : [`since the baseline ${growth}`]),
  ];
  const { line, column } = row.place;
  return command({ file, line, col: column, title: row.id }, parts.join("\n"));
}

function command(properties: Readonly<Record<string, string | number>>, message: string): string {
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  return `::error ${list.join(",")}::${escapeMessage(message)}`;
}

/** As actions/toolkit does (packages/core/src/command.ts, escapeData and escapeProperty). */
const escapeMessage = (text: string): string =>
  text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
const escapeProperty = (text: string): string =>
  escapeMessage(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
