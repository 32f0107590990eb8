/** One question asked of every command that can answer it: the same bytes, the same terms, the same notes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "vram-calc-question-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Fields = Readonly<Record<string, string | number | boolean>>;
type Result = Readonly<Record<string, unknown>> & {
  readonly notes: readonly { readonly code: string; readonly message: string }[];
};

const flagsOf = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => (value === true ? `--${name}` : `--${name} ${value}`))
    .join(" ");

const json = async (line: string, stdin = ""): Promise<Result> =>
  JSON.parse((await invoke(line, { stdin })).stdout);

/** What all of them say of what was sized. */
const told = ({ total, terms, budget, request, notes }: Result, more: Result["notes"] = []) => {
  const { bytes, fits, headroom } = budget as { bytes: number; fits: boolean; headroom: number };
  const said = [...notes, ...more].map(({ code, message }) => `${code}: ${message}`);
  return { total, terms, request, budget: { bytes, fits, headroom }, notes: said.sort() };
};

const SERVING: readonly (readonly [string, Fields])[] = [
  ["14B", { dtype: "fp16", budget: "24GB" }],
  ["llama-3.1-8b", { engine: "vllm", budget: "24GiB", context: "8k" }],
  [
    "llama-3.1-8b",
    { engine: "vllm", gpu: "2xh100", set: "gpu-memory-utilization=0.5,enable-prefix-caching=on" },
  ],
  ["gpt-oss-20b", { engine: "llama.cpp", gpu: "rtx-4090", batch: 4, set: "n-cpu-moe=4,fa=off" }],
  ["mamba-2.8b", { "kv-dtype": "fp8", gpu: "l4" }],
  ["qwen2.5-vl-7b", { images: "2@1280x720", gpu: "a100-80gb-sxm" }],
  ["deepseek-v3", { mtp: true, engine: "sglang", gpu: "8xh200", tp: 8 }],
];

describe("serving", () => {
  test.for(SERVING)("%s %o", async ([model, fields]) => {
    const flags = flagsOf(fields);
    const plain = await json(`${model} ${flags} --json`);
    const line = await json("jsonl", JSON.stringify({ model, ...fields }));
    const compared = await json(`compare ${model} ${flags} --json`);
    const path = join(folder, "budget.json");
    writeFileSync(path, JSON.stringify({ budgets: [{ model, ...fields }] }));
    const checked = await json(`check ${path} --json`);
    expect(told(line)).toEqual(told(plain));
    expect(told((compared.rows as readonly Result[])[0]!, compared.notes)).toEqual(told(plain));
    expect(told((checked.rows as readonly Result[])[0]!, checked.notes)).toEqual(told(plain));
  });
});

describe("the answer of fit, asked forward", () => {
  test.for([
    ["llama-3.1-8b --gpu rtx-4090", "context", ""],
    ["llama-3.1-8b --gpu h100 --engine vllm --context 16k", "batch", ""],
    ["qwen3-32b --budget 24GiB --engine llama.cpp --context 8k --dtype q4_k_m", "batch", ""],
    ["llama-3.1-8b --gpu h100 --method lora --micro-batch 2", "seq", "train "],
    ["llama-3.2-1b --budget 24GB --checkpointing full", "micro-batch", "train "],
  ] as const)("%s --solve %s fits there and not one further", async ([question, solve, command]) => {
    const asked = await json(`fit ${question} ${command === "" ? "" : "--train "}--solve ${solve} --json`);
    const name = solve === "seq" ? "seqTokens" : solve === "micro-batch" ? "microBatch" : solve;
    const answer = asked[name] as number;
    const { code } = await invoke(`${command}${question} --${solve} ${answer} --json`);
    const there = await json(`${command}${question} --${solve} ${answer} --json`);
    const past = await invoke(`${command}${question} --${solve} ${answer + 1} --json`);
    expect(code).toBe(0);
    expect({ ...told(there), notes: [] }).toEqual({ ...told(asked), notes: [] });
    expect(past.code).toBe(1);
    const next = asked.next as { readonly bytes: number; readonly headroom: number };
    expect(JSON.parse(past.stdout)).toMatchObject({
      total: { bytes: next.bytes },
      budget: { headroom: next.headroom },
    });
  });

  test.for([
    ["--solve context --context 8k", "--context"],
    ["--solve batch --batch 4", "--batch"],
    ["--solve format --dtype fp8", "--dtype"],
    ["--train --solve seq --seq 1k", "--seq"],
    ["--train --solve micro-batch --micro-batch 2", "--micro-batch"],
  ] as const)("%s: what is solved for was typed in vain", async ([flags, option]) => {
    const { notes } = await json(`fit llama-3.2-1b --gpu h100 ${flags} --json`);
    expect(notes.filter(({ code }) => code === "idle-option")).toEqual([
      expect.objectContaining({ details: { option } }),
    ]);
  });
});

test.each([
  ["llama-3.2-1b --solve batch --context 1", /1,048,576 sequences and more: larger ones are not searched/],
  [
    "llama-3.1-8b --solve batch --context 1 --engine vllm --gpu h100",
    /1,024 sequences, all that run at once/,
  ],
  ["llama-3.2-1b --train --solve micro-batch --seq 1", /65,536 sequences and more: larger ones/],
  ["llama-3.2-1b --train --solve seq", /131,072 tokens, the model's maximum/],
  [
    "mamba-2.8b --train --solve seq --checkpointing full",
    /16,777,216 tokens and more: the model declares no/,
  ],
])("fit %s: a search that ends of itself finds no maximum", async (question, answer) => {
  const limit = question.includes("--gpu") ? "" : "--budget 8000TB";
  expect((await invoke(`fit ${question} ${limit}`)).stdout).toMatch(answer);
});

test("a family that is not needed is said, whatever the source", async () => {
  for (const model of ["14B", "llama-3.1-8b"]) {
    const { notes } = await json(`${model} --assume-family mamba --json`);
    expect(notes.map(({ code }) => code)).toContain("assumed-family-unused");
  }
});
