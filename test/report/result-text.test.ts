import { describe, expect, test } from "vitest";
import { catalogueNames } from "../../src/architecture/catalogue-names.ts";
import { modelSummary } from "../../src/architecture/summary.ts";
import { checkBudget } from "../../src/budget.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { type ResultJson, resultJson } from "../../src/report/result.ts";
import { resultText } from "../../src/report/result-text.ts";
import { loadModel } from "../../src/sources/load-model.ts";
import { cases, fc } from "../properties.ts";

async function resultOf(reference: string, options: EstimateOptions, id = reference): Promise<ResultJson> {
  const loaded = { ...(await loadModel(reference)), id };
  const outcome = estimate(loaded.architecture, options);
  return resultJson({
    schema: "vram-calc/estimate@1",
    model: modelSummary(loaded),
    architecture: loaded.architecture,
    request: outcome.request,
    estimate: outcome,
    budget: checkBudget(outcome, { bytes: 24e9, gpu: "a card" }),
    notes: [...loaded.notes, ...outcome.notes],
  });
}

const card = { totalBytes: 80e9, generation: "hopper" };

describe("the text of a result is that of JSON.stringify", () => {
  test.each(catalogueNames())("%s", async (name) => {
    for (const options of [
      {},
      { weightsOnly: true },
      { dtype: "q4_k_m", contextTokens: 999_999, batch: 3 },
    ]) {
      const json = await resultOf(name, options);
      expect(resultText(json)).toBe(JSON.stringify(json));
    }
  });

  test.each<[string, string, EstimateOptions]>([
    ["a pool", "qwen3-8b", { engine: "vllm", card, devices: 2 }],
    ["no pool for lack of room", "llama-3.1-405b", { engine: "vllm", card }],
    ["stages", "llama-3.1-8b", { pp: 3, tp: 2 }],
    ["a labelled term", "deepseek-v3", { mtp: 1, devices: 16 }],
    ["flags of an engine", "qwen3-8b", { engine: "llama.cpp", engineOptions: { gpuLayers: 3 } }],
    ["adapters", "qwen3-8b", { lora: { rank: 8, count: 2, targets: ["q_proj"] } }],
  ])("%s", async (_, name, options) => {
    const json = await resultOf(name, options);
    expect(resultText(json)).toBe(JSON.stringify(json));
  });

  test("an id comes first; texts that JSON escapes are escaped", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.jsonValue(), async (text, id) => {
        const json = await resultOf("14B", {}, text);
        const [device] = json.devices;
        const { id: termId, ...term } = device!.terms[0]!;
        const odd = {
          ...json,
          notes: [{ code: text, message: text, details: {} }],
          devices: [{ ...device!, id: text, terms: [{ id: termId, phase: "step", ...term, formula: text }] }],
        };
        expect(resultText(odd, id)).toBe(JSON.stringify({ id, ...odd }));
      }),
      { numRuns: cases(200) },
    );
  });
});
