import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkSchema } from "../../src/schema/check.ts";
import { cases, fc } from "../properties.ts";
import { invoke, type Run } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "vram-calc-check-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A directory with files; a name may hold slashes. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
const check = (cwd: string, args = ""): Promise<Run> => invoke(`check ${args}`.trim(), { cwd });

const LLAMA = {
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 2,
  vocab_size: 320,
  num_attention_heads: 4,
  intermediate_size: 128,
  max_position_embeddings: 2048,
  torch_dtype: "bfloat16",
};
/** 14B in fp16 is 28,000,000,000 B of weights. */
const weights14B = (budget: string): string =>
  JSON.stringify({ budgets: [{ model: "14B", dtype: "fp16", weightsOnly: true, budget }] });

describe("vram-calc check", () => {
  test.for([
    ["28GB", 0, "28,000,000,000 of 28 x 10^9: equal fits"],
    ["27.9GB", 1, "28 of 27.9 is over"],
    ["28GiB", 0, "28 x 10^9 of 28 x 2^30 = 30,064,771,072"],
    ["lots", 2, "no size"],
  ] as const)("14B in fp16 under %s exits %d: %s", async ([budget, code]) => {
    const run = await check(folderWith({ "vram-budget.json": weights14B(budget) }));
    expect(run.code).toBe(code);
    expect(code === 2 ? run.stdout : run.stderr).toBe("");
  });

  test("sizes are those of the main command, and of train: the same core", async () => {
    const cwd = folderWith({
      "vram-budget.yaml":
        "budgets:\n- {model: qwen2.5-14b, gpu: 2xl40s, context: 8k, engine: vllm, kv-dtype: fp8}\n- {use: train, model: llama-3.2-1b, budget: 80GiB, method: lora, lora-r: 8, micro-batch: 2}\n",
    });
    const rows = JSON.parse((await check(cwd, "--json")).stdout).rows;
    const serve = JSON.parse(
      (await invoke("qwen2.5-14b --gpu 2xl40s -c 8k --engine vllm --kv-dtype fp8 --json")).stdout,
    );
    const train = JSON.parse(
      (await invoke("train llama-3.2-1b --budget 80GiB --method lora --lora-r 8 --micro-batch 2 --json"))
        .stdout,
    );
    expect(rows[0].total).toEqual(serve.total);
    expect(rows[0].request).toEqual(serve.request);
    expect(rows[1].total).toEqual(train.total);
    expect(rows[1].request).toEqual(train.request);
  });

  test("--gate high holds the high edge of the band against the limit", async () => {
    const row = { model: "7B", context: "8k" };
    const { total } = JSON.parse((await invoke("7B -c 8k --json")).stdout);
    const between = Math.floor((total.bytes + total.high) / 2);
    const cwd = folderWith({
      "vram-budget.json": JSON.stringify({ budgets: [{ ...row, budget: between }] }),
    });
    expect((await check(cwd)).code).toBe(0);
    expect((await check(cwd, "--gate high")).code).toBe(1);
  });

  test("the file is found upwards, in package.json too, and paths of models start at it", async () => {
    const cwd = folderWith({
      "package.json": JSON.stringify({ vramBudget: { budgets: [{ model: "./models/a", budget: "1GiB" }] } }),
      "models/a/config.json": JSON.stringify(LLAMA),
      "deep/er/package.json": "{}",
    });
    const run = await check(join(cwd, "deep/er"), "--json");
    expect(run.stderr).toBe("");
    const result = JSON.parse(run.stdout);
    expect(result.file).toBe(join("..", "..", "package.json"));
    expect(result.rows[0]).toMatchObject({ model: { family: "llama", source: "config" }, passes: true });
  });

  test("a model that many rows name is read once", async () => {
    const cwd = folderWith({
      "vram-budget.json": JSON.stringify({
        budgets: [
          { model: "./a", budget: "1GiB", matrix: { context: [1, 2, 3, 4, 5], batch: [1, 2, 3, 4] } },
        ],
      }),
      "a/config.json": JSON.stringify(LLAMA),
    });
    const { rows } = JSON.parse((await check(cwd, "--json")).stdout);
    expect(rows).toHaveLength(20);
    expect(new Set(rows.map((row: { total: { bytes: number } }) => row.total.bytes)).size).toBeGreaterThan(
      10,
    );
  });

  test("every report comes out whole; --json is --report json", async () => {
    const cwd = folderWith({ "vram-budget.json": weights14B("1GB") });
    const starts = {
      table: "vram-budget.json: ",
      json: "{",
      markdown: "<!--",
      junit: "<?xml",
      github: "::error ",
      csv: "id,",
    };
    for (const [report, start] of Object.entries(starts)) {
      const run = await check(cwd, `--report ${report}`);
      expect([run.code, run.stderr]).toEqual([1, ""]);
      expect(run.stdout.startsWith(start)).toBe(true);
      expect(run.stdout.endsWith("\n")).toBe(true);
    }
    const json = await check(cwd, "--json");
    expect(json.stdout).toBe((await check(cwd, "--report json")).stdout);
    expect(checkSchema().safeParse(JSON.parse(json.stdout)).error).toBeUndefined();
  });

  test("annotations name the file from the root of the repository, where the runner says which that is", async () => {
    const cwd = folderWith({ "vram-budget.json": weights14B("1GB"), "sub/x.txt": "" });
    const [from, file] = [join(cwd, "sub"), "--report github"];
    const env = { GITHUB_WORKSPACE: cwd };
    expect((await invoke(`check ${file}`, { cwd: from, env })).stdout).toContain("file=vram-budget.json,");
    expect((await invoke(`check ${file}`, { cwd: from })).stdout).toContain("file=../vram-budget.json,");
  });

  test("a card may be a number in a budgets file", async () => {
    const cwd = folderWith({ "vram-budget.json": '{ "budgets": [{ "model": "7B", "gpu": 4090 }] }' });
    expect((await check(cwd)).stdout).toContain("7B on 4090");
  });

  test("--baseline shows what grew by which term and --max-growth fails on it", async () => {
    const file = (context: string): string =>
      `budgets:\n- {name: chat, model: llama-3.1-8b, gpu: l40s, context: ${context}}\n`;
    const cwd = folderWith({ "vram-budget.yaml": file("8k") });
    writeFileSync(join(cwd, "main.json"), (await check(cwd, "--json")).stdout);
    const same = await check(cwd, "--baseline main.json --max-growth 0%");
    expect(same.code).toBe(0);
    expect(same.stdout).toContain("1 of 1 rows unchanged");
    writeFileSync(join(cwd, "vram-budget.yaml"), file("16k"));
    // 8,192 more tokens x 32 layers x 2 x 8 heads x 128 x 2 B = 1,073,741,824 B of cache.
    const grown = JSON.parse((await check(cwd, "--baseline main.json --json")).stdout);
    expect(grown.rows[0].growth.terms[0]).toEqual({ id: "kv-cache", bytes: 1_073_741_824 });
    expect((await check(cwd, "--baseline main.json --max-growth 20%")).code).toBe(0);
    const over = await check(cwd, "--baseline main.json --max-growth 1%");
    expect(over.code).toBe(1);
    expect(over.stdout).toMatch(/more than the 0\.\d\d GiB allowed: kv-cache \+1\.00 GiB/);
  });
});

describe("vram-calc check that cannot run", () => {
  test.for([
    [{}, "", /cannot read vram-budget\.json: .*vram-calc check --init writes a first one/],
    [{}, "nope.yaml", /cannot read nope\.yaml: there is no such file/],
    [{ "a/x": "" }, "a", /cannot read a: it is a directory/],
    [
      { "vram-budget.json": "{}", "vram-budget.yaml": "" },
      "",
      /2 budgets files.*vram-budget\.json and vram-budget\.yaml/,
    ],
    [{ "vram-budget.json": weights14B("1GB") }, "--max-growth 5%", /--baseline FILE/],
    [{ "vram-budget.json": weights14B("1GB") }, "--baseline none.json", /cannot read none\.json/],
    [
      { "vram-budget.json": weights14B("1GB"), "b.json": "{}" },
      "--baseline b.json",
      /b\.json, key schema: .*--report json printed/,
    ],
    [{ "vram-budget.json": weights14B("1GB"), "b.json": "{" }, "--baseline b.json", /b\.json, line 1/],
    [{ "vram-budget.json": weights14B("1GB") }, "--baseline b.json --max-growth much", /5% or a size/],
    [{ "vram-budget.json": weights14B("1GB") }, "--report html", /table, json, markdown, junit, github, csv/],
    [{ "vram-budget.json": weights14B("1GB") }, "--json --report csv", /cannot be used with/],
    [
      { "vram-budget.json": '{"budgets": [{"model": "qwen2.5-14", "gpu": "l40s"}]}' },
      "",
      /line 1, column 24: unknown model "qwen2\.5-14".*qwen2\.5-14b/,
    ],
    [
      { "vram-budget.json": '{"budgets": [{"model": "14B",\n "gpu": "rtx-409"}]}' },
      "",
      /line 2, column 9: unknown GPU "rtx-409".*did you mean/,
    ],
    [
      { "vram-budget.json": '{"budgets": [{"model": "14B", "gpu": "l4",\n "dtype": "fp17"}]}' },
      "",
      /line 2, column 11: unknown .*"fp17"/,
    ],
    [
      { "vram-budget.json": '{"budgets": [{"model": "14B", "gpu": "l4",\n "engine": "vlm"}]}' },
      "",
      /line 2, column 12: unknown engine "vlm"/,
    ],
    [
      { "vram-budget.json": '{"budgets": [{"model": "14B", "budget": "100B",\n "headroom": "1GB"}]}' },
      "",
      /line 2, column 14: headroom got/,
    ],
    [
      { "vram-budget.json": '{"budgets": [{"model": "./m", "gpu": "l4"}]}' },
      "",
      /line 1, column 24: cannot read .*m: there is no such file/,
    ],
    [
      { "vram-budget.json": '{"budgets": [{"model": "./m", "gpu": "l4"}]}', "m/config.json": "{" },
      "",
      /line 1, column 24: .*config\.json, line 1/,
    ],
  ] as const)("%j check %s: one sentence, exit 2", async ([files, args, message]) => {
    const run = await check(folderWith(files), args);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(/^vram-calc: [^\n]+\n$/);
  });

  test("of two wrong rows the first is told, whichever model is read first", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({
      model: i < 7 ? `${i + 1}B` : `nope-${i}`,
      gpu: "l4",
    }));
    const cwd = folderWith({ "vram-budget.json": JSON.stringify({ budgets: rows }) });
    expect((await check(cwd)).stderr).toMatch(/unknown model "nope-7"/);
  });

  test("a file of 5 MB is refused before it is parsed", async () => {
    const cwd = folderWith({ "vram-budget.json": " ".repeat(5 * 2 ** 20) });
    expect((await check(cwd)).stderr).toMatch(/5,242,880 bytes, expected at most 4,194,304/);
  });

  test("mutated files end in 0, 1 or 2 and never in more than one sentence", async () => {
    const good = readFileSync(new URL("../fixtures/check/vram-budget.yaml", import.meta.url), "utf8");
    const cwd = folderWith({});
    const edit = fc.record({ at: fc.nat(good.length), cut: fc.nat(10), put: fc.string({ maxLength: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        let text = good;
        // A slash would make a hub id of a name.
        for (const { at, cut, put } of edits)
          text = text.slice(0, at) + put.replaceAll("/", "") + text.slice(at + cut);
        writeFileSync(join(cwd, "vram-budget.yaml"), text);
        const { code, stderr, stdout } = await check(cwd);
        expect([0, 1, 2]).toContain(code);
        if (code === 2) {
          expect(stdout).toBe("");
          expect(stderr).toMatch(/^vram-calc: vram-budget\.yaml, line \d+, column \d+: [^\n]+\n$/);
        }
      }),
      { numRuns: cases(500) },
    );
  });
});

describe("vram-calc check --init", () => {
  test("writes a row per model here, which then passes", async () => {
    const cwd = folderWith({ "config.json": JSON.stringify(LLAMA) });
    const init = await check(cwd, "--init");
    expect(init.stderr).toBe("");
    expect(init.stdout).toMatch(/^wrote vram-budget\.json with \.\n/);
    const { budgets } = JSON.parse(readFileSync(join(cwd, "vram-budget.json"), "utf8"));
    expect(budgets).toEqual([{ model: ".", gpu: "rtx-3060-12gb", context: 2048 }]);
    const run = await check(cwd);
    expect([run.code, run.stderr]).toEqual([0, ""]);
  });

  test("without a model it writes an example, with the schema where the package is installed", async () => {
    const cwd = folderWith({ "node_modules/vram-calc/dist/schema/budgets.json": "{}", "sub/x": "" });
    expect((await check(join(cwd, "sub"), "--init")).stdout).toMatch(/with an example row/);
    const text = readFileSync(join(cwd, "sub", "vram-budget.json"), "utf8");
    expect(JSON.parse(text).$schema).toBe("../node_modules/vram-calc/dist/schema/budgets.json");
    expect((await check(join(cwd, "sub"))).code).toBe(0);
  });

  test("leaves out what cannot be sized and says so", async () => {
    const cwd = folderWith({ "config.json": JSON.stringify({ ...LLAMA, hidden_size: -1 }), "x.gguf": "no" });
    expect((await check(cwd, "--init")).stdout).toMatch(
      /left out, because it cannot be sized: \., \.\/x\.gguf/,
    );
  });

  test.for(["vram-budget.json", "vram-budget.yml"])("never overwrites: %s is there", async (name) => {
    const cwd = folderWith({ [name]: "mine" });
    const run = await check(cwd, "--init");
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(name);
    expect(readdirSync(cwd)).toEqual([name]);
    expect(readFileSync(join(cwd, name), "utf8")).toBe("mine");
  });

  test("takes no file name", async () => {
    const cwd = folderWith({});
    expect((await check(cwd, "mine.json --init")).code).toBe(2);
    expect(existsSync(join(cwd, "vram-budget.json"))).toBe(false);
  });
});
