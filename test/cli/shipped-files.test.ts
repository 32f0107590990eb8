import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { optionSpecs } from "../../src/cli/check/uses.ts";
import { roff } from "../../src/cli/man/man-page.ts";
import { createProgram } from "../../src/cli/program.ts";
import { shippedFiles } from "../../src/cli/shipped-files.ts";
import { budgetsSchema } from "../../src/schema/budgets.ts";
import { estimateSchema, trainSchema } from "../../src/schema/estimate.ts";
import { invoke } from "./invoke.ts";
import { silentIo } from "./silent-io.ts";

const files = await shippedFiles();
const program = await createProgram({ session: { io: silentIo, exit: () => {} }, complain: () => {} });

describe("the manual page", () => {
  const page = files.get("man/vram-calc.1")!;

  test("names every command and every flag with its description", () => {
    for (const command of [program, ...program.commands]) {
      expect(page).toContain(roff(command.name()));
      for (const option of command.options) {
        expect(page).toContain(`.B ${roff(option.flags)}`);
        expect(page).toContain(roff(option.description));
      }
    }
  });

  test("has no line that roff would take for a request of ours and none with a bare escape", () => {
    const requests = new Set([".TH", ".SH", ".TP", ".B", ".I", ".PP", ".nf", ".fi", ".RS", ".RE"]);
    for (const line of page.split("\n")) {
      if (/^[.']/.test(line)) expect(requests).toContain(line.split(" ")[0]);
      expect(line.replace(/\\(?:e|-|&|fB|fR)/g, "")).not.toContain("\\");
    }
  });

  test.for([
    ["-d, --dtype", "\\-d, \\-\\-dtype"],
    [".so /etc", "\\&.so /etc"],
    ["a\\b\nc", "a\\eb c"],
  ])("%j in roff is %j", ([text, escaped]) => {
    expect(roff(text!)).toBe(escaped);
  });

  const hasMan = spawnSync("groff", ["--version"]).status === 0;
  test.skipIf(!hasMan)("groff sets it without a warning (skipped where there is no groff)", () => {
    const run = spawnSync("groff", ["-man", "-Tutf8", "-ww"], { input: page, encoding: "utf8" });
    expect([run.status, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toContain("vram-calc.yaml".slice(0, 9));
  });
});

describe("the JSON schemas", () => {
  const schemaOf = (name: string) => JSON.parse(files.get(`schema/${name}`)!);

  test("are one for every result, of draft 2020-12, each with a title", () => {
    const names = [...files.keys()].filter((name) => name.startsWith("schema/"));
    expect(names.sort()).toEqual(
      [
        "budgets",
        "check",
        "compare",
        "estimate",
        "fit",
        "formats",
        "gpus",
        "inspect",
        "jsonl-request",
        "jsonl-response",
        "plot",
        "train",
      ].map((name) => `schema/${name}.json`),
    );
    for (const name of names) {
      const schema = schemaOf(name.slice("schema/".length));
      expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
      expect(schema.title).toMatch(/vram-calc/);
    }
  });

  test("a row has every flag that says how a model is sized, in both spellings, with its help", () => {
    const row = schemaOf("budgets.json").properties.budgets.items;
    expect(row.additionalProperties).toBe(false);
    for (const { key, name } of optionSpecs()) {
      expect(row.properties[key]?.description).toBe(row.properties[name]?.description);
      expect(row.properties.matrix.properties[key].type).toBe("array");
    }
    expect(row.properties.kvDtype.description).toContain("KV cache");
    expect(row.properties["kv-dtype"]).toEqual(row.properties.kvDtype);
    expect(row.properties.method.enum).toContain("qlora");
    expect(row.properties.gpu.examples).toContain("rtx-4090");
    expect(row.properties.model.examples).toContain("qwen2.5-14b");
  });

  test("flags that rows leave out are these, which say how to print", () => {
    const known = new Set(optionSpecs().map((option) => option.key));
    const train = program.commands.find((command) => command.name() === "train")!;
    const own = ["gpu", "budget", "assumeFamily"];
    const left = [...program.options, ...train.options]
      .map((option) => option.attributeName())
      .filter((key) => !known.has(key) && !own.includes(key));
    expect([...new Set(left)].sort()).toEqual(LEFT_OUT);
  });

  test.for([
    ["14B --dtype fp16 --gpu h100", estimateSchema],
    ["qwen2.5-14b --engine vllm --gpu 2xl40s", estimateSchema],
    ["train llama-3.2-1b --method lora --gpu l4", trainSchema],
  ] as const)("vram-calc %s --json is of its published shape", async ([line, schema]) => {
    const result = JSON.parse((await invoke(`${line} --json`)).stdout);
    expect(schema().safeParse(result).error).toBeUndefined();
    expect(schema().safeParse({ ...result, total: { ...result.total, bytes: -1 } }).success).toBe(false);
    expect(schema().safeParse({ ...result, schema: "vram-calc/estimate@2" }).success).toBe(false);
  });

  test("what the schema of budgets refuses, an editor underlines", () => {
    const schema = budgetsSchema(optionSpecs());
    const good = {
      budgets: [{ model: "14B", gpu: "l40s", context: "8k", set: { ngl: 3 }, weightsOnly: true }],
    };
    expect(schema.safeParse(good).error).toBeUndefined();
    for (const row of [
      { contxt: 1 },
      { context: true },
      { weightsOnly: "yes" },
      { gate: "low" },
      { set: { a: [] } },
    ])
      expect(schema.safeParse({ budgets: [{ ...good.budgets[0], ...row }] }).success).toBe(false);
  });
});

/** Ways to print. The --lengths of the default command, one batch of real prompts, shares its name with train's. */
const LEFT_OUT = ["explain", "field", "json", "jsonl", "units", "version"];
