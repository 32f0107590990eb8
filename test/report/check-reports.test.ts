import { describe, expect, test } from "vitest";
import { withGrowth } from "../../src/check/growth.ts";
import type { CheckedRow, CheckResult } from "../../src/check/result.ts";
import { checkJson } from "../../src/report/check-json.ts";
import { checkTable } from "../../src/report/check-table.ts";
import { checkCsv, csvCell } from "../../src/report/csv.ts";
import { checkGithub } from "../../src/report/github.ts";
import { checkJunit, xmlText } from "../../src/report/junit.ts";
import { checkMarkdown, inCode } from "../../src/report/markdown.ts";
import { plain } from "../../src/report/paint.ts";
import { checkSchema } from "../../src/schema/check.ts";
import { GiB } from "../../src/units.ts";
import { checkedRow, term } from "../check/rows-built.ts";

const ROWS: readonly CheckedRow[] = [
  checkedRow("chat at 8k", [term("weights", 14 * GiB), term("kv-cache", 2 * GiB)], {
    limit: 24 * GiB,
    gpu: "L4",
    line: 3,
  }),
  checkedRow("chat at 64k", [term("weights", 14 * GiB), term("kv-cache", 16 * GiB)], {
    limit: 24 * GiB,
    gpu: "L4",
    line: 4,
  }),
  checkedRow("tight", [term("weights", 9 * GiB)], { limit: 10 * GiB, reserved: 2 * GiB, line: 5 }),
];
const RESULT: CheckResult = { file: "vram-budget.json", rows: ROWS };
const GROWN = withGrowth(
  RESULT,
  {
    file: "main.json",
    rows: [
      checkedRow("chat at 8k", [term("weights", 14 * GiB), term("kv-cache", GiB)]),
      ROWS[2]!,
      checkedRow("old", []),
    ],
  },
  { share: 0.05 },
);
/** A name that is hostile to every format. */
const HOSTILE = "a|b `c` <d> \"e\" @f, %0A::error::x [g](h) 'i' & *j*";
const hostile: CheckResult = {
  file: "a:b,c%.json",
  rows: [checkedRow(HOSTILE, [term("weights", 2)], { limit: 1, gpu: "<x>|y" })],
};
const golden = (name: string): string => `../golden/check-${name}`;

describe("reports of a check, as reviewed in test/golden", () => {
  test("table at 100 and at 40 columns", async () => {
    const at = (result: CheckResult, columns: number): string =>
      checkTable(result, { columns, unit: "GiB", paint: plain });
    await expect(`${at(GROWN, 100)}\n${at(RESULT, 40)}`).toMatchFileSnapshot(golden("table.txt"));
    for (const line of at(GROWN, 100).split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    for (const line of at(RESULT, 40).split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  });
  test("markdown", async () => {
    await expect(checkMarkdown(GROWN, "GiB") + checkMarkdown(hostile, "GB")).toMatchFileSnapshot(
      golden("markdown.md"),
    );
  });
  test("junit", async () => {
    await expect(checkJunit(GROWN, "GiB")).toMatchFileSnapshot(golden("junit.xml"));
  });
  test("github", async () => {
    await expect(checkGithub(GROWN, "GiB") + checkGithub(hostile, "GB")).toMatchFileSnapshot(
      golden("github.txt"),
    );
  });
  test("csv", async () => {
    await expect(checkCsv(GROWN) + checkCsv(hostile)).toMatchFileSnapshot(golden("csv.csv"));
  });
  test("json, which its own schema accepts", async () => {
    expect(checkSchema().safeParse(checkJson(GROWN)).error).toBeUndefined();
    expect(checkSchema().safeParse({ ...checkJson(GROWN), passes: "no" }).success).toBe(false);
    await expect(`${JSON.stringify(checkJson(GROWN), null, 2)}\n`).toMatchFileSnapshot(golden("json.json"));
  });
});

describe("markdown", () => {
  const many = (count: number, fails: (i: number) => boolean): CheckResult => ({
    file: "f",
    rows: Array.from({ length: count }, (_, i) =>
      checkedRow(`row ${i} ${"x".repeat(80)}`, [term("weights", 10)], { limit: fails(i) ? 5 : 20 }),
    ),
  });

  test("10,000 rows stay within the 65,536 characters of a comment, failing ones first, the rest counted", () => {
    const text = checkMarkdown(
      many(10_000, (i) => i === 9_999),
      "GiB",
    );
    expect(text.length).toBeLessThanOrEqual(65_536);
    expect(text.split("\n")[5]).toMatch(/^\| \*\*over\*\* \| `row 9999 /);
    expect(text).toMatch(/\n\d,?\d+ more rows left out, none of which fail\.\n$/);
    expect(
      checkMarkdown(
        many(10_000, () => true),
        "GiB",
      ),
    ).toMatch(/\n(\d+) more rows left out, \1 of which fail\.\n$/);
  });

  test.for([
    ["plain", "`plain`"],
    ["a|b", "`a\\|b`"],
    ["a`b", "`` a`b ``"],
    ["a``b`", "``` a``b` ```"],
    ["a\nb", "`a b`"],
  ])("%j in code is %j", ([text, code]) => {
    expect(inCode(text!)).toBe(code);
  });

  test("a hostile name makes one row of as many cells as any other", () => {
    const row = checkMarkdown(hostile, "GB").split("\n")[5]!;
    expect(row.replace(/\\\|/g, "").split("|")).toHaveLength(7);
  });
});

describe("github", () => {
  const failing = (count: number): CheckResult => ({
    file: "f",
    rows: Array.from({ length: count }, (_, i) =>
      checkedRow(`row ${i}`, [term("weights", 10 + i)], { limit: 5 }),
    ),
  });
  const errors = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("::error"));

  test("10 failing rows are 10 annotations; of 11 the worst 9 and one for the other 2", () => {
    expect(errors(checkGithub(failing(10), "GiB"))).toHaveLength(10);
    const lines = errors(checkGithub(failing(11), "GiB"));
    expect(lines).toHaveLength(10);
    expect(lines[0]).toContain("title=row 10::");
    expect(lines[9]).toMatch(/::2 more rows fail$/);
  });

  test("no name or file can end a property, start a command or make a line", () => {
    const [line, ...rest] = checkGithub(hostile, "GB").trimEnd().split("\n");
    expect(rest).toHaveLength(1);
    expect(rest[0]).not.toMatch(/^::/);
    expect(line!.match(/^::error file=[^,:]*,line=\d+,col=\d+,title=[^,:]*::/)).not.toBeNull();
  });
});

describe("junit and csv", () => {
  test.for([
    ['<a href="x">&\'</a>', "&lt;a href=&quot;x&quot;&gt;&amp;&apos;&lt;/a&gt;"],
    ["a\u0000b\u001b[1m\ufffe\ud800", "a\ufffdb\ufffd[1m\ufffd\ufffd"],
    ["😀\n\t", "😀&#10;&#9;"],
  ])("%j in XML is %j", ([text, xml]) => {
    expect(xmlText(text!)).toBe(xml);
  });

  test.for([
    ["plain", "plain"],
    ['a "b", c', '"a ""b"", c"'],
    ["a\nb", '"a\nb"'],
    ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
    ["-1+2", "'-1+2"],
    [-5, "-5"],
    [true, "true"],
    [undefined, ""],
  ] as const)("%j in CSV is %j", ([value, cell]) => {
    expect(csvCell(value)).toBe(cell);
  });
});
