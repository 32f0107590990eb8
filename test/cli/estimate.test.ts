import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "vram-calc-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Qwen3-14B's published sizes. */
const QWEN3_14B = {
  model_type: "qwen3",
  hidden_size: 5120,
  num_hidden_layers: 40,
  vocab_size: 151936,
  num_attention_heads: 40,
  num_key_value_heads: 8,
  head_dim: 128,
  intermediate_size: 17408,
  max_position_embeddings: 40960,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
};
writeFileSync(join(folder, "config.json"), JSON.stringify(QWEN3_14B));

describe("vram-calc <model>", () => {
  test("14B in fp16: 14,000,000,000 x 2 B = 28,000,000,000 B = 28.00 GB = 26.08 GiB", async () => {
    const run = await invoke("14B --dtype fp16 --explain");
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("weights");
    expect(run.stdout).toContain("28,000,000,000 B = 28.00 GB = 26.08 GiB  exact");
    expect(run.stdout).toContain(
      "weights: 14,000,000,000 x 2 B = 28,000,000,000 B = 28.00 GB = 26.08 GiB (exact)",
    );
    expect(run.stdout).toMatch(/fits on .*H100/);
    expect(run.stdout).toContain("typical decoder");
    expect(run.stderr).toBe("");
  });

  test("--weights-only leaves one term", async () => {
    const { stdout } = await invoke("14B --dtype fp16 --weights-only --json");
    const result = JSON.parse(stdout);
    expect(result.devices[0].terms.map((term: { id: string }) => term.id)).toEqual(["weights"]);
    expect(result.total).toEqual({ bytes: 28e9, low: 28e9, high: 28e9 });
  });

  test("a config.json: 14,768,307,200 parameters, KV cache 8192 x 40 x 2 x 8 x 128 x 2 B = 1,342,177,280 B", async () => {
    for (const path of [folder, join(folder, "config.json")]) {
      const { code, stdout } = await invoke([path, "--context", "8k", "--json"]);
      const result = JSON.parse(stdout);
      expect(code).toBe(0);
      expect(result.schema).toBe("vram-calc/estimate@1");
      expect(result.model).toMatchObject({
        source: "config",
        family: "qwen3",
        parameters: { total: 14_768_307_200 },
      });
      const byId = Object.fromEntries(result.devices[0].terms.map((t: { id: string }) => [t.id, t]));
      expect(byId.weights).toMatchObject({ bytes: 29_536_614_400, basis: "exact" });
      expect(byId["kv-cache"]).toMatchObject({ bytes: 1_342_177_280, low: 1_342_177_280, basis: "exact" });
      expect(result.request).toMatchObject({ dtype: "bf16", context: 8192, batch: 1 });
    }
  });

  test("the same config through standard input", async () => {
    const { stdout } = await invoke("- --json", { stdin: JSON.stringify(QWEN3_14B) });
    expect(JSON.parse(stdout).model).toMatchObject({
      source: "stdin",
      parameters: { total: 14_768_307_200 },
    });
  });

  test("a catalogue name works offline: qwen2.5-14b at 32k", async () => {
    const { stdout } = await invoke("qwen2.5-14b --context 32k --json");
    const result = JSON.parse(stdout);
    expect(result.model).toMatchObject({ source: "catalogue", parameters: { total: 14_770_033_664 } });
    expect(result.request.context).toBe(32_768);
  });

  test("the total of each device is the sum of its terms, and every term lies in its band", async () => {
    const result = JSON.parse((await invoke("llama-3.1-8b --json --batch 4")).stdout);
    for (const device of result.devices) {
      let sum = 0;
      for (const term of device.terms) {
        expect(Number.isSafeInteger(term.bytes)).toBe(true);
        expect(term.low).toBeLessThanOrEqual(term.bytes);
        expect(term.bytes).toBeLessThanOrEqual(term.high);
        sum += term.bytes;
      }
      expect(device.total.bytes).toBe(sum);
    }
  });

  test.for([
    ["14B --dtype fp16 --weights-only --budget 28GB", 0, /fits 28\.00 GB with 0\.00 GB/],
    [
      "14B --dtype fp16 --weights-only --budget 27999999999",
      1,
      /over 27\.999999999 GB by 0\.000000001 GB: needs 28\.000000000 GB/,
    ],
    ["14B --dtype fp16 --gpu rtx-4090", 1, /over GeForce RTX 4090 \(23\.52 GiB usable\) by \d+\.\d\d GiB/],
    ["14B --dtype fp16 --gpu h100", 0, /fits H100 80GB HBM3 \(79\.18 GiB usable\) with/],
  ] as const)("%s exits %i", async ([line, code, text]) => {
    const run = await invoke(line);
    expect(run.stdout).toMatch(text);
    expect(run.code).toBe(code);
  });

  test("--json carries the budget and the exit code still tells", async () => {
    const run = await invoke("14B --dtype fp16 --weights-only --budget 24GiB --json");
    expect(JSON.parse(run.stdout).budget).toEqual({
      bytes: 25_769_803_776,
      fits: false,
      headroom: 25_769_803_776 - 28_000_000_000,
    });
    expect(run.code).toBe(1);
  });

  test.for([
    ["14B --dtype fp16 --weights-only --field total.bytes", "28000000000"],
    ["14B --dtype fp16 --field devices.0.terms.weights.bytes", "28000000000"],
    ["14B --field model.source", "count"],
  ] as const)("%s prints %s and nothing else", async ([line, value]) =>
    expect(await invoke(line)).toEqual({ code: 0, stdout: `${value}\n`, stderr: "" }),
  );

  test("--field of something that is not there exits 2 with the nearest name", async () => {
    const run = await invoke("14B --field total.byte");
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/did you mean bytes/);
  });

  test.for([40, 60, 80, 200])("at %i columns no line is longer", async (columns) => {
    const { stdout } = await invoke("llama-3.1-8b --gpu rtx-4090", { columns });
    const longest = Math.max(...stdout.split("\n").map((line) => [...line].length));
    expect(longest).toBeLessThanOrEqual(columns);
  });

  test("colour only where it is wanted: FORCE_COLOR, not in a pipe, never under NO_COLOR", async () => {
    const code = "\u001b[";
    expect((await invoke("14B")).stdout).not.toContain(code);
    expect((await invoke("14B", { env: { FORCE_COLOR: "1" } })).stdout).toContain(code);
    expect((await invoke("14B", { stdoutIsTerminal: true })).stdout).toContain(code);
    expect((await invoke("14B", { stdoutIsTerminal: true, env: { NO_COLOR: "1" } })).stdout).not.toContain(
      escape,
    );
  });
});
