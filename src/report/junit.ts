/** A check as JUnit XML, which test dashboards read: a case per row. */
import { type CheckedRow, type CheckResult, rowFails } from "../check/result.ts";
import { type CheckUnit, growthText, largestTerms, rowSizes } from "./check-text.ts";

/** A test case per row; a row that fails the gate is a failure with its sizes. */
export function checkJunit(result: CheckResult, unit: CheckUnit): string {
  const { file, rows } = result;
  const counts = `tests="${rows.length}" failures="${rows.filter(rowFails).length}" errors="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="vram-calc" ${counts}>`,
    `  <testsuite name="${xmlText(file)}" ${counts} skipped="0">`,
    ...rows.map((row) => testCase(row, file, unit)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(row: CheckedRow, file: string, unit: CheckUnit): string {
  const open = `    <testcase name="${xmlText(row.id)}" classname="${xmlText(row.use)}" file="${xmlText(file)}" line="${row.place.line}"`;
  if (!rowFails(row)) return `${open}/>`;
  const { need, limit, verdict } = rowSizes(row, unit);
  const growth = row.growth === undefined ? null : growthText(row.growth, unit);
  const message = row.budget.fits ? `grew ${growth ?? ""}` : `needs ${need} of ${limit}: ${verdict}`;
  const type = row.budget.fits ? "growth" : "over-budget";
  const body = [
    largestTerms(row, unit, row.terms.length),
    ...(growth === null ? [] : [`since the baseline ${growth}`]),
  ];
  return `${open}>\n      <failure type="${type}" message="${xmlText(message)}">${xmlText(body.join("\n"))}</failure>\n    </testcase>`;
}

/**
 * Text for XML 1.0, in an attribute or between tags. Characters that XML cannot hold at all become U+FFFD.
 *
 * @example xmlText('a < "b"') // "a &lt; &quot;b&quot;"
 */
export function xmlText(text: string): string {
  return text
    .replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      "\ufffd",
    )
    .replace(/[&<>"'\t\n\r]/g, (c) => ENTITIES[c]!);
}

const ENTITIES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  // Written out, because a parser turns these into spaces inside an attribute.
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};
