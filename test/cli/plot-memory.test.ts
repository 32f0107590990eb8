import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { memoryChart } from "../../src/cli/plot/memory-chart.ts";
import type { LoadedModel } from "../../src/sources/load-model.ts";
import { GiB } from "../../src/units.ts";
import { invoke } from "./invoke.ts";

const loaded: LoadedModel = {
  id: "qwen2.5-7b",
  source: "catalogue",
  architecture: catalogueArchitecture(findCatalogueEntry("qwen2.5-7b")!.entry),
  notes: [],
};
const chartOf = (axis: Parameters<typeof memoryChart>[1], flags = {}) =>
  memoryChart(loaded, axis, { flags, limit: null }).chart;
const series = (chart: ReturnType<typeof chartOf>, name: string) =>
  chart.series.find((one) => one.name === name)!.points;

describe("memory against one quantity", () => {
  test("against the rank: adapters are a line through r x 2,523,136 x 4 B, weights stay", () => {
    const chart = chartOf("rank", { loraR: 128 });
    // 28 layers x (q, o: 2 x 7168; k, v: 2 x 4096; gate, up, down: 3 x 22,528) inputs and outputs together
    const each = 28 * (2 * 7168 + 2 * 4096 + 3 * 22_528);
    expect(each).toBe(2_523_136);
    for (const { x, y } of series(chart, "adapters").slice(1))
      expect((y * GiB) / (x * each * 4)).toBeCloseTo(1, 2);
    expect(new Set(series(chart, "weights").map(({ y }) => y)).size).toBe(1);
  });

  test.each(["context", "batch", "seq", "micro-batch", "rank"] as const)(
    "%s: the total never falls",
    (axis) => {
      const ys = series(chartOf(axis), "total").map(({ y }) => y);
      expect(ys).toEqual([...ys].sort((a, b) => a - b));
      expect(ys.at(-1)!).toBeGreaterThan(ys[0]!);
    },
  );

  test("KV cache against context: 57,344 B a token", () => {
    for (const { x, y } of series(chartOf("context", { context: 8192 }), "kv-cache"))
      expect(y * GiB).toBe(x * 57_344);
  });

  test("a flag of the other side is refused, whichever side it is", async () => {
    const serving = await invoke(["plot", "memory", "qwen2.5-7b", "--seq", "2k"]);
    expect(serving).toMatchObject({ code: 2, stdout: "" });
    expect(serving.stderr).toMatch(/--seq/);
    const training = await invoke(["plot", "memory", "qwen2.5-7b", "--x", "rank", "--context", "2k"]);
    expect(training).toMatchObject({ code: 2, stdout: "" });
    expect(training.stderr).toMatch(/--context/);
  });

  test.each([
    ["--x context --context 8k", "", "--context 8k"],
    ["--x batch --batch 4 --engine vllm --gpu 2xh100", "", "--batch 4 --engine vllm --gpu 2xh100"],
    ["--x seq --seq 1k --gpu 8xh100", "train ", "--seq 1k --gpu 8xh100"],
    ["--x rank --lora-r 32 --gpu rtx-4090", "train ", "--method lora --lora-r 32 --gpu rtx-4090"],
  ])("the end of %s is what the command says of it, on the same cards", async (axis, command, flags) => {
    const plot = JSON.parse((await invoke(`plot memory qwen2.5-7b ${axis} --json`)).stdout);
    const result = JSON.parse((await invoke(`${command}qwen2.5-7b ${flags} --json`)).stdout);
    for (const key of ["request", "total", "terms"]) expect(plot[key]).toEqual(result[key]);
    expect(plot.series[0].points.at(-1).y).toBe(result.total.bytes);
  });
});
