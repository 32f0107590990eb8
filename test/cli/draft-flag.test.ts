import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { draftParts } from "../../src/cli/draft-flag.ts";
import { invoke } from "./invoke.ts";

describe("--draft MODEL[:dtype]", () => {
  test.for([
    ["qwen2.5-0.5b", { reference: "qwen2.5-0.5b" }],
    ["qwen2.5-0.5b:q8_0", { reference: "qwen2.5-0.5b", dtype: "q8_0" }],
    ["0.5B:fp8", { reference: "0.5B", dtype: "fp8" }],
    ["draft/config.json:fp16", { reference: "draft/config.json", dtype: "fp16" }],
    ["./models/draft:fp16", { reference: "./models/draft", dtype: "fp16" }],
    // A hub id keeps its colon: it names a file of the repository.
    ["org/name-GGUF:Q4_K_M", { reference: "org/name-GGUF:Q4_K_M" }],
    ["https://host/org/name", { reference: "https://host/org/name" }],
    ["qwen2.5-0.5b:", { reference: "qwen2.5-0.5b:" }],
  ] as const)("%s", ([text, parts]) => {
    expect(draftParts(text)).toEqual(parts);
  });

  test("adds the second model's weights and cache, and says so in the request", async () => {
    const { code, stdout } = await invoke("qwen2.5-7b --draft qwen2.5-0.5b:fp16 --json");
    expect(code).toBe(0);
    const { request, total } = JSON.parse(stdout);
    expect(request).toMatchObject({ draft: "qwen2.5-0.5b", draftDtype: "fp16" });
    const alone = JSON.parse((await invoke("qwen2.5-7b --json")).stdout);
    expect(total.bytes - alone.total.bytes).toBe(494_032_768 * 2 + 4096 * 12_288);
  });

  test("takes the same in every command that serves", async () => {
    const line = "qwen2.5-7b --draft qwen2.5-0.5b --context 8k --gpu h100";
    const json = async (command: string, more: { readonly stdin?: string } = {}) => {
      const run = await invoke(command, more);
      expect(run.stderr).toBe("");
      return JSON.parse(run.stdout);
    };
    const { total } = await json(`${line} --json`);
    expect((await json(`compare ${line} --json`)).rows[0].total).toEqual(total);
    expect((await json(`fit ${line} --solve gpus --json`)).total).toEqual(total);
    const plot = await json("plot memory qwen2.5-7b --draft qwen2.5-0.5b --context 8k --gpu h100 --json");
    expect(plot.series[0].points.at(-1)).toEqual({ x: 8192, y: total.bytes });
    const row = { model: "qwen2.5-7b", draft: "qwen2.5-0.5b", context: "8k", gpu: "h100" };
    expect((await json("jsonl", { stdin: JSON.stringify(row) })).total).toEqual(total);
    const folder = mkdtempSync(join(tmpdir(), "vram-calc-draft-"));
    try {
      const file = join(folder, "vram-budget.json");
      writeFileSync(file, JSON.stringify({ budgets: [row] }));
      expect((await json(`check ${file} --json`)).rows[0].total).toEqual(total);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("an unknown draft is refused like an unknown model", async () => {
    const { code, stderr } = await invoke("qwen2.5-7b --draft qwen2.5-0.6c");
    expect(code).toBe(2);
    expect(stderr).toContain('unknown model "qwen2.5-0.6c"');
  });
});

describe("--mtp and --images", () => {
  test.for([
    ["llama-3.1-8b --mtp", "multi-token-prediction"],
    ["llama-3.1-8b --images 1", "a model with a vision tower"],
    ["llama-3.1-8b --images two", "2@1280x720"],
  ] as const)("%s: exit 2, one sentence", async ([line, words]) => {
    const { code, stdout, stderr } = await invoke(line);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(words);
  });
});
