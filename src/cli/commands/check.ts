import { isAbsolute, relative, resolve } from "node:path";
import { Option } from "commander";
import type { Gate } from "../../budget.ts";
import { withGrowth } from "../../check/growth.ts";
import { type Margin, parseMargin } from "../../check/margin.ts";
import { type CheckResult, rowFails } from "../../check/result.ts";
import { EXIT, VramCalcError } from "../../errors.ts";
import type { CheckUnit } from "../../report/check-text.ts";
import { readBudgets } from "../check/budget-rows.ts";
import { findBudgets } from "../check/find-file.ts";
import { runRows } from "../check/run-rows.ts";
import type { Io } from "../io.ts";
import { parsed, smallUnitsOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

type ReportName = "table" | "json" | "markdown" | "junit" | "github" | "csv";

interface CheckFlags {
  readonly report?: ReportName;
  readonly json?: true;
  readonly baseline?: string;
  readonly maxGrowth?: Margin;
  readonly gate?: Gate;
  readonly units: CheckUnit;
  readonly init?: true;
}

/** Each report is loaded when it is the one. */
const REPORTS: {
  readonly [R in ReportName]: (result: CheckResult, unit: CheckUnit, io: Io) => Promise<string>;
} = {
  table: async (result, unit, io) => {
    const { checkTable } = await import("../../report/check-table.ts");
    return checkTable(result, { columns: io.columns, unit, paint: await painterFor(io) });
  },
  json: async (result) => {
    const { checkJson } = await import("../../report/check-json.ts");
    return `${JSON.stringify(checkJson(result), null, 2)}\n`;
  },
  markdown: async (result, unit) => (await import("../../report/markdown.ts")).checkMarkdown(result, unit),
  junit: async (result, unit) => (await import("../../report/junit.ts")).checkJunit(result, unit),
  github: async (result, unit, io) => {
    const { checkGithub } = await import("../../report/github.ts");
    return checkGithub({ ...result, file: inRepository(result.file, io) }, unit);
  },
  csv: async (result) => (await import("../../report/csv.ts")).checkCsv(result),
};

/** Annotations name a file by its path from the root of the repository, which the runner says. */
function inRepository(file: string, { cwd, env }: Io): string {
  const root = env.GITHUB_WORKSPACE;
  if (root === undefined || root === "") return file;
  const path = relative(root, resolve(cwd, file));
  return path === "" || path.startsWith("..") || isAbsolute(path) ? file : path.replaceAll("\\", "/");
}

/** `vram-calc check [file]`: exits 0 when every row fits, 1 when one does not or grew too much, 2 for a bad file. */
export const defineCheck: DefineCommand = (command, session) => {
  command
    .argument("[file]", "vram-budget.json, .jsonc, .yaml or package.json (default: the nearest one upwards)")
    .addOption(
      new Option("-r, --report <format>", "how to say it (default: table)").choices(Object.keys(REPORTS)),
    )
    .addOption(new Option("--json", "the same as --report json").conflicts("report"))
    .addOption(
      new Option("--gate <edge>", "edge of the band that must fit, for every row").choices([
        "expected",
        "high",
      ]),
    )
    .option("--baseline <file>", "an earlier --report json: show what grew, and by which term")
    .addOption(
      new Option(
        "--max-growth <margin>",
        "fail rows that grew more since the baseline: 5% or 500MB",
      ).argParser(parsed((text) => parseMargin("a growth", text))),
    )
    .addOption(smallUnitsOption())
    .addOption(
      new Option("--init", "write a first vram-budget.json from the models here").conflicts([
        "report",
        "json",
        "baseline",
        "maxGrowth",
        "gate",
      ]),
    )
    .action((file: string | undefined, flags: CheckFlags) => check(file, flags, session));
};

async function check(file: string | undefined, flags: CheckFlags, { io, exit }: Session): Promise<void> {
  if (flags.init === true) {
    if (file !== undefined) {
      throw new VramCalcError("bad-option", {
        option: "--init",
        given: `the file ${file}`,
        expected: "no file: it writes vram-budget.json in this directory",
      });
    }
    const { initBudgets } = await import("../check/init.ts");
    io.stdout(await initBudgets(io));
    return;
  }
  if (flags.maxGrowth !== undefined && flags.baseline === undefined) {
    throw new VramCalcError("bad-option", {
      option: "--max-growth",
      given: "no baseline",
      expected: "--baseline FILE with an earlier --report json",
    });
  }
  // The baseline first: it is small, and a wrong path should not cost the wait for every model.
  const baseline = flags.baseline === undefined ? null : await loadBaseline(flags.baseline, io);
  const source = await findBudgets(file, io.cwd);
  const rows = await runRows(source, readBudgets(source), {
    io,
    path: source.path,
    ...(flags.gate === undefined ? {} : { gate: flags.gate }),
  });
  const sized: CheckResult = { file: source.file, rows };
  const result = baseline === null ? sized : withGrowth(sized, baseline, flags.maxGrowth);
  io.stdout(await REPORTS[flags.json === true ? "json" : (flags.report ?? "table")](result, flags.units, io));
  if (result.rows.some(rowFails)) exit(EXIT.overBudget);
}

async function loadBaseline(
  file: string,
  io: Io,
): ReturnType<typeof import("../check/baseline.ts").loadBaseline> {
  return (await import("../check/baseline.ts")).loadBaseline(file, io.cwd);
}
