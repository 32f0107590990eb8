/** One shape everywhere: what every command prints is valid against the schema that the package ships for it. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { shippedFiles } from "../../src/cli/shipped-files.ts";
import { schemaErrors } from "../schema-check.ts";
import { invoke } from "./invoke.ts";

const files = await shippedFiles();
const schemaOf = (name: string): Record<string, unknown> => JSON.parse(files.get(`schema/${name}.json`)!);
const folder = mkdtempSync(join(tmpdir(), "vram-calc-shape-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const gguf = join(folder, "model.gguf");
const header = readFileSync(new URL("../fixtures/gguf/llama-q4_k.gguf-header", import.meta.url));
writeFileSync(gguf, header);
truncateSync(gguf, 2 ** 31);
const cwd = fileURLToPath(new URL("../fixtures/check", import.meta.url));

const LINES: readonly (readonly [schema: string, line: string])[] = [
  ["estimate", "14B --dtype fp16"],
  ["estimate", "qwen2.5-14b --gpu h100 --context 8k"],
  ["estimate", "qwen2.5-14b --engine vllm --gpu 2xl40s --lora r=16,n=2"],
  ["estimate", "qwen2.5-14b --lengths 512,1k"],
  ["estimate", "deepseek-v3 --weights-only"],
  [
    "estimate",
    "llama-3.1-8b --engine llama.cpp --gpu rtx-4090 --set ngl=20,tensor-split=1 --draft llama-3.2-1b",
  ],
  ["train", "llama-3.2-1b --method lora --gpu l4"],
  ["train", "deepseek-v3 --tp 8 --pp 16 --dp 16 --sharding zero1"],
  ["fit", "llama-3.1-8b --gpu rtx-4090"],
  ["fit", "llama-3.1-8b --gpu rtx-4090 --solve context"],
  ["fit", "llama-3.1-8b --gpu rtx-4090 --solve batch --engine vllm"],
  ["fit", "llama-3.1-8b --gpu rtx-4090 --solve format"],
  ["fit", "llama-3.3-70b --gpu rtx-4090 --solve gpus"],
  ["fit", "llama-3.3-70b --gpu rtx-4090 --gpus 2 --solve tp"],
  ["fit", "llama-3.1-8b --budget 2GB --solve context"],
  ["fit", "llama-3.1-8b --budget 2GB --solve format"],
  ["fit", "llama-3.1-8b --gpu h100 --train"],
  ["fit", "llama-3.1-8b --gpu h100 --train --solve gpus"],
  ["fit", "llama-3.1-8b --gpu h100 --train --solve seq"],
  ["fit", "llama-3.1-8b --gpu h100 --train --solve micro-batch --method qlora"],
  ["fit", "llama-3.3-70b --budget 2GB --train --solve plan"],
  ["compare", "llama-3.1-8b qwen3-14b 7B --dtype bf16,q4_k_m --context 8k,32k --gpu 2xl40s --engine vllm"],
  ["inspect", "qwen3-0.6b --lora r=32"],
  ["inspect", "deepseek-v3"],
  ["inspect", gguf],
  ["plot", "gelu mse --dtype fp8 --derivative"],
  ["plot", "memory qwen2.5-7b --gpu rtx-4090"],
  ["plot", "memory qwen2.5-7b --x rank"],
  ["formats", ""],
  ["formats", "fp16 q4_k nf4"],
  ["formats", "bf16 fp8 q4_0 3.14159 70000 -1e9"],
  ["gpus", ""],
  ["gpus", "hopper"],
  ["check", ""],
];

/** Where a key is said, it is said like this. */
const COMMON = ["model", "request", "total", "terms", "budget", "notes"] as const;

describe("JSON of every command", () => {
  for (const [name, line] of LINES) {
    const command = `${name === "estimate" ? "" : name} ${line} --json`.trim();
    test(`vram-calc ${command.replace(gguf, "model.gguf")}`, async () => {
      const run = await invoke(command, { cwd });
      expect(run.stderr).toBe("");
      const result = JSON.parse(run.stdout);
      expect(result.schema).toBe(`vram-calc/${name}@1`);
      expect(Array.isArray(result.notes)).toBe(true);
      expect(schemaErrors(schemaOf(name), result)).toEqual([]);
      // What was sized says it under the same keys, and the terms add up to the total.
      for (const sized of result.rows ?? [result]) {
        if (sized.request === undefined) continue;
        expect(Object.keys(sized)).toEqual(expect.arrayContaining(["model", "total", "terms", "notes"]));
        const sum = sized.terms.reduce((bytes: number, term: { bytes: number }) => bytes + term.bytes, 0);
        expect(sum).toBe(sized.total.bytes);
      }
    });
  }

  test("train: the terms are those of the worst device at its peak", async () => {
    const result = JSON.parse((await invoke("train llama-3.1-8b --pp 4 --grad-accum 4 --json")).stdout);
    const worst = result.devices.find(
      (device: { total: { bytes: number } }) => device.total.bytes === result.total.bytes,
    );
    expect(result.terms).toEqual(worst.terms);
    expect(result.devices.length).toBeGreaterThan(1);
  });

  test("--jsonl lines, results and errors, are of their schema", async () => {
    const stdin = [
      { model: "14B", gpu: "h100", id: 1 },
      { model: "llama-3.1-8b", use: "train", method: "lora" },
      { model: "nonsense-7" },
    ];
    const run = await invoke("jsonl", { stdin: stdin.map((line) => `${JSON.stringify(line)}\n`).join("") });
    const lines = run.stdout.trim().split("\n");
    expect(lines.length).toBe(3);
    for (const request of stdin) expect(schemaErrors(schemaOf("jsonl-request"), request)).toEqual([]);
    for (const line of lines) expect(schemaErrors(schemaOf("jsonl-response"), JSON.parse(line))).toEqual([]);
  });

  test("the common keys have one schema in all results", () => {
    const names = ["estimate", "train", "fit", "compare", "inspect", "plot", "formats", "gpus", "check"];
    const shape = (schema: unknown): string =>
      JSON.stringify(schema, (key, v) => (key === "description" ? undefined : v));
    const seen = new Map<string, Map<string, string>>();
    for (const name of names) {
      const { properties } = schemaOf(name) as { properties: Record<string, Record<string, unknown>> };
      const rows = (properties.rows as { items?: { properties: typeof properties } } | undefined)?.items
        ?.properties;
      for (const place of [properties, ...(rows === undefined ? [] : [rows])])
        for (const key of COMMON)
          if (place[key] !== undefined) {
            const known = seen.get(key) ?? new Map<string, string>();
            seen.set(key, known.set(shape(place[key]), name));
          }
    }
    // inspect, fit and check say more of a model and of a budget; nothing says anything else.
    expect([...seen].map(([key, shapes]) => [key, shapes.size])).toEqual([
      ["model", 2],
      ["request", 1],
      ["total", 1],
      ["terms", 1],
      ["budget", 3],
      ["notes", 1],
    ]);
  });

  test("the check can fail: a wrong result is refused", async () => {
    const result = JSON.parse((await invoke("14B --json")).stdout);
    for (const [wrong, problem] of [
      [{ ...result, notes: undefined, total: 1 }, /total: number, expected object/],
      [{ ...result, model: { ...result.model, parameters: 14e9 } }, /parameters: number, expected object/],
      [{ ...result, devices: [{ ...result.devices[0], terms: [{ id: "weight" }] }] }, /weight is not listed/],
    ] as const)
      expect(schemaErrors(schemaOf("estimate"), wrong).join("\n")).toMatch(problem);
  });
});
