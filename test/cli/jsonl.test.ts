import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { optionSpecs } from "../../src/cli/check/uses.ts";
import { lineBatches } from "../../src/cli/jsonl/lines.ts";
import { recent } from "../../src/cli/jsonl/recent.ts";
import { jsonlRequestSchema, jsonlResponseSchema } from "../../src/schema/jsonl.ts";
import { cases, fc } from "../properties.ts";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "vram-calc-jsonl-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function answers(...lines: readonly (string | object)[]) {
  const stdin = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const run = await invoke("jsonl", { stdin });
  expect(run.stderr).toBe("");
  return {
    code: run.code,
    results: run.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  };
}

describe("vram-calc jsonl", () => {
  test("a line is answered as the command with --json answers", async () => {
    const { code, results } = await answers(
      { model: "14B", dtype: "fp16", context: 8192 },
      { id: "b", model: "qwen2.5-14b", "kv-dtype": "fp8", context: "8k", gpu: "2xl40s", engine: "vllm" },
    );
    expect(code).toBe(0);
    expect(results[0]).toEqual(JSON.parse((await invoke("14B --dtype fp16 --context 8192 --json")).stdout));
    const command = JSON.parse(
      (await invoke("qwen2.5-14b --kv-dtype fp8 -c 8k --gpu 2xl40s --engine vllm --json")).stdout,
    );
    expect(results[1]).toEqual({
      id: "b",
      ...command,
      budget: { ...command.budget, gate: "expected", reserved: 0 },
    });
  });

  test("flags of an engine are refused by the names that were typed", async () => {
    const stdin = JSON.stringify({ model: "14B", engine: "vllm", set: { ngl: 10 } });
    const { error } = JSON.parse((await invoke("jsonl", { stdin })).stdout);
    expect(error.message).toBe("--set got ngl for vllm, expected --engine llama.cpp with it.");
  });

  test("training is asked for with use, and is what the train command says", async () => {
    const { results } = await answers({ use: "train", model: "llama-3.2-1b", method: "lora", seq: "1k" });
    const command = JSON.parse((await invoke("train llama-3.2-1b --method lora --seq 1k --json")).stdout);
    expect(results[0]).toMatchObject({
      schema: "vram-calc/train@1",
      total: command.total,
      request: command.request,
    });
  });

  test("answers come in the order of the lines, errors as objects on theirs, blank lines skipped", async () => {
    const { code, results } = await answers({ id: 1, model: "7B" }, "", "{bad", { id: 3, model: "7" }, "  ", {
      id: 4,
      model: "14B",
    });
    expect(results.map((r) => [r.id, r.line, r.error?.code])).toEqual([
      [1, undefined, undefined],
      [undefined, 3, "malformed-file"],
      [3, 4, "bad-quantity"],
      [4, undefined, undefined],
    ]);
    expect(code).toBe(2);
  });

  test("a limit is judged on the line and does not change the exit code", async () => {
    const { code, results } = await answers(
      { model: "14B", dtype: "fp16", weightsOnly: true, budget: "28GB" },
      { model: "14B", dtype: "fp16", weightsOnly: true, budget: 27e9 },
      { model: "14B", dtype: "fp16", weightsOnly: true, budget: "28GB", headroom: "1%" },
    );
    expect(results.map((r) => [r.budget.fits, r.budget.headroom])).toEqual([
      [true, 0],
      [false, -1e9],
      [false, 0],
    ]);
    expect(code).toBe(0);
  });

  test.for([
    ["[1]", "malformed-file", /found a list/],
    ["null", "malformed-file", /found null/],
    ["14B", "malformed-file", /line 1, column 1/],
    ['{"model":"14B"} x', "malformed-file", /line 1, column 17: found "x"/],
    ['{"model":NaN}', "malformed-file", /NaN/],
    [{}, "bad-option", /"model" got nothing/],
    [{ model: "-" }, "bad-option", /"model" got "-"/],
    [{ model: ["14B"] }, "bad-option", /"model"/],
    [{ model: "14B", contxt: 1 }, "unknown-name", /unknown field "contxt": did you mean context/],
    [{ model: "14B", context: "x" }, "bad-option", /"context" got "x"/],
    [{ model: "14B", context: null }, "bad-option", /"context" got null/],
    [{ model: "14B", batch: 0 }, "bad-option", /whole number from 1/],
    [{ model: "14B", kvDtype: "fp8", "kv-dtype": "fp8" }, "bad-option", /two spellings/],
    [{ model: "14B", gpu: "l40s", budget: "1GB" }, "bad-option", /one limit/],
    [{ model: "14B", gpu: "rtx-409" }, "unknown-name", /unknown GPU/],
    [{ model: "14B", dtype: "fp17" }, "unknown-name", /fp17/],
    [{ model: "14B", method: "lora" }, "bad-option", /"use": "train"/],
    [{ model: "14B", use: "both" }, "bad-option", /serve or train/],
    [{ model: "14B", id: {} }, "bad-option", /"id" got object/],
    ['{"model":"14B","__proto__":1}', "unknown-name", /__proto__/],
    ['{"model":"14B","constructor":1}', "unknown-name", /constructor/],
    [{ model: "\u001b[31m" }, "bad-option", /"model"/],
  ] as const)("%j is an error object", async ([line, code, message]) => {
    const run = await answers(line, { model: "7B" });
    expect(run.results).toHaveLength(2);
    expect(run.results[0]).toMatchObject({ line: 1, error: { code } });
    expect(run.results[0].error.message).toMatch(message);
    expect(run.results[0].error.message).not.toContain("\n");
    expect(run.results[1].total.bytes).toBeGreaterThan(0);
    expect(run.code).toBe(2);
    expect(jsonlResponseSchema().safeParse(run.results[0]).error).toBeUndefined();
  });

  test("a line of more than 2^20 characters is let go and told", async () => {
    const { results } = await answers("x".repeat(2 ** 20 + 1), { model: "7B" });
    expect(results[0].error.message).toMatch(/line 1: found more than 1048576 characters/);
    expect(results[1].model.id).toBe("7B");
  });

  test("the published shapes accept what is asked and what is answered", async () => {
    const requests = [
      { id: 1, model: "14B", context: "8k", lora: { r: 16, n: 2 }, gpu: "l40s", headroom: "5%" },
      { model: "7B", use: "train", "micro-batch": 2, checkpointing: "full", budget: 80e9 },
    ];
    const { results } = await answers(...requests);
    const request = jsonlRequestSchema(optionSpecs());
    for (const line of requests) expect(request.safeParse(line).error).toBeUndefined();
    for (const line of results) {
      expect(line.error).toBeUndefined();
      expect(jsonlResponseSchema().safeParse(line).error).toBeUndefined();
    }
    expect(request.safeParse({ model: "14B", contxt: 1 }).success).toBe(false);
    expect(jsonlResponseSchema().safeParse({ ...results[0], total: 1 }).success).toBe(false);
  });

  test("a model that is kept is not read again; one that failed stays failed", async () => {
    const path = join(folder, "config.json");
    const config = {
      model_type: "llama",
      hidden_size: 64,
      num_hidden_layers: 2,
      vocab_size: 320,
      num_attention_heads: 4,
      intermediate_size: 128,
    };
    writeFileSync(path, JSON.stringify(config));
    const { results } = await answers(
      { model: path },
      { model: path, batch: 2 },
      { model: "nope" },
      { model: "nope" },
    );
    expect(results[1].model).toEqual(results[0].model);
    expect(results[3].error).toEqual(results[2].error);
  });
});

describe("lines of a stream", () => {
  async function linesOf(chunks: readonly (string | Uint8Array)[], most: number): Promise<(string | null)[]> {
    const lines: (string | null)[] = [];
    const stream = (async function* () {
      yield* chunks;
    })();
    for await (const batch of lineBatches(stream, most)) lines.push(...batch);
    return lines;
  }

  test("are the same however the bytes are cut, longer ones null", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom("a", "é", "模", "😀", "\n", "\r"), maxLength: 20 })),
        fc.array(fc.nat(200)),
        async (pieces, cuts) => {
          const text = pieces.join("\n");
          const bytes = new TextEncoder().encode(text);
          const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
            (a, b) => a - b,
          );
          const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i]!, end));
          const expected = text.split("\n").map((line) => (line.length > 8 ? null : line));
          if (expected.at(-1) === "") expected.pop();
          expect(await linesOf(chunks, 8)).toEqual(expected);
        },
      ),
      { numRuns: cases(500) },
    );
  });

  test("a line without end is let go as it arrives", async () => {
    const chunk = "x".repeat(1000);
    expect(await linesOf([...Array.from({ length: 500 }, () => chunk), "\nshort\n"], 2000)).toEqual([
      null,
      "short",
    ]);
  });
});

test("what was used longest ago is forgotten first", () => {
  const kept = recent<number>(2);
  kept.set("a", 1);
  kept.set("b", 2);
  expect(kept.get("a")).toBe(1);
  kept.set("c", 3);
  expect([kept.get("a"), kept.get("b"), kept.get("c")]).toEqual([1, undefined, 3]);
});
