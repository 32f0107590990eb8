/** Every printed formula is done again with its printed numbers and must give the printed bytes. */
import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { typicalArchitecture } from "../../src/architecture/typical.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { explainTerm, type Term } from "../../src/memory/term.ts";
import { groupExplanation } from "../../src/report/inspect-explain.ts";
import { formulaValue } from "../formula-value.ts";

const MODELS: ReadonlyMap<string, Architecture> = new Map([
  ["14B", typicalArchitecture(14e9)],
  ...[
    "llama-3.1-8b",
    "qwen2.5-14b",
    "deepseek-v3",
    "qwen3-30b-a3b",
    "gemma-3-27b-it",
    "gpt-oss-20b",
    "mixtral-8x7b",
  ].flatMap((name) => {
    const found = findCatalogueEntry(name);
    return found === undefined ? [] : [[name, catalogueArchitecture(found.entry)] as const];
  }),
]);

/** The sum on the left of a printed formula, and the bytes on its right; a byte of rounding is the printer's. */
function mismatch(term: Term): string | null {
  const text = explainTerm(term);
  const [sum = "", bytes = ""] = text.split(" = ");
  const printed = Number(bytes.replace(/ B$/, "").replaceAll(",", ""));
  if (printed !== term.bytes) return `${text}: the bytes are ${term.bytes}`;
  let value: number;
  try {
    value = formulaValue(sum);
  } catch (error) {
    return (error as Error).message;
  }
  return Math.abs(value - term.bytes) <= 1 ? null : `${text}: the sum is ${value}`;
}

const wrongOf = (terms: readonly Term[]): readonly string[] =>
  terms.map(mismatch).filter((text) => text !== null);

const ENGINES = ["generic", "vllm", "vllm@0.6", "sglang", "transformers", "transformers@4.35", "llama.cpp"];
const CARD = { totalBytes: 85e9, generation: "hopper" };
const SERVING: readonly EstimateOptions[] = [
  {},
  { dtype: "q4_k_m" },
  { dtype: "fp8" },
  { dtype: "awq" },
  { kvDtype: "fp8", batch: 3, contextTokens: 9001 },
  { kvDtype: "q8_0/q4_0" },
  { tp: 2 },
  { pp: 2, contextTokens: 20_000 },
  { ep: 2 },
  { attention: "eager" },
  { padded: true, batch: 2 },
  { lora: { rank: 16, count: 2, targets: "all-linear" } },
  { mtp: 1 },
  { images: { count: 2 } },
  { engineOptions: { gpuLayers: 20 } },
  { engineOptions: { flashAttention: false, cpuExpertLayers: 3 } },
  { engineOptions: { tensorSplit: [3, 1] } },
  { engineOptions: { enforceEager: true } },
  { engineOptions: { promptTokens: 100, cache: "static" } },
  { weightsOnly: true },
];

describe("serving: the formula with its numbers gives the bytes", () => {
  for (const [name, model] of MODELS)
    test.for(ENGINES)(`${name} on %s`, (engine) => {
      let sized = 0;
      for (const options of SERVING) {
        let devices: ReturnType<typeof estimate>["devices"];
        try {
          ({ devices } = estimate(model, { engine, card: CARD, ...options }));
        } catch {
          // An engine that has no such option, or a model that has no such part.
          continue;
        }
        sized++;
        for (const device of devices) expect([options, wrongOf(device.terms)]).toEqual([options, []]);
      }
      expect(sized).toBeGreaterThan(5);
    });
});

const TRAINING: readonly TrainRequest[] = [
  {},
  { method: "lora" },
  { method: "qlora", quantization: "nf4" },
  { method: "qlora", quantization: "int8", dora: true },
  { method: "freeze" },
  { precision: "amp-bf16", seqTokens: 777, microBatch: 3 },
  { precision: "bf16-master", gradAccum: 4 },
  { precision: "fp32", attention: "eager" },
  { optimizer: "adamw-8bit" },
  { optimizer: "paged-adamw-8bit" },
  { optimizer: "adafactor" },
  { optimizer: "galore" },
  { optimizer: "muon" },
  { optimizer: "sgd", loss: "dpo" },
  { checkpointing: "full", loss: "fused" },
  { checkpointing: "selective", loss: "chunked" },
  { checkpointing: 3, framework: "torchtune" },
  { checkpointing: "offload", framework: "litgpt" },
  { optimizer: "adamw-8bit", gradAccum: 4, parallel: { dp: 16, sharding: "zero2" } },
  { parallel: { dp: 8, ep: 8, sharding: "fsdp2" } },
  { parallel: { dp: 8, sharding: "ddp" } },
  { parallel: { dp: 8, sharding: "fsdp2" } },
  { parallel: { dp: 8, sharding: "simple-fsdp" } },
  { parallel: { dp: 8, sharding: "zero3", offloadOptimizer: true } },
  { parallel: { dp: 7, sharding: "zero1", tp: 2, pp: 2, cp: 2 } },
  { method: "lora", gradAccum: 4, parallel: { dp: 4, sharding: "fsdp" } },
];

describe("training: the formula with its numbers gives the bytes in every phase", () => {
  for (const [name, model] of MODELS)
    test(name, () => {
      let sized = 0;
      for (const request of TRAINING) {
        let devices: ReturnType<typeof train>["devices"];
        try {
          ({ devices } = train(model, request));
        } catch {
          continue;
        }
        sized++;
        for (const { terms, phases } of devices)
          expect([request, wrongOf([...terms, ...phases.flatMap((phase) => phase.terms)])]).toEqual([
            request,
            [],
          ]);
      }
      expect(sized).toBeGreaterThan(15);
    });
});

describe("inspect --explain: parameters by group", () => {
  test.for([...MODELS])("%s", ([, model]) => {
    const lines = groupExplanation(model, Number.POSITIVE_INFINITY);
    let total = 0;
    for (const line of lines) {
      const [, sum = "", printed = ""] = /^ {2}[\w-]+: (.*) = ([\d,]+)$/.exec(line) ?? [];
      expect([line, formulaValue(sum)]).toEqual([line, Number(printed.replaceAll(",", ""))]);
      total += formulaValue(sum);
    }
    expect(total).toBe(model.parameters.total + model.parameters.mtp);
  });
});

describe("the check can fail", () => {
  const term = (formula: string, inputs: Record<string, number>, bytes: number): Term => ({
    id: "weights",
    bytes,
    low: bytes,
    high: bytes,
    basis: "exact",
    formula,
    inputs,
  });

  test.for([
    ["{a} x {b} B", { a: 3, b: 4 }, 12, null],
    ["{a} tokens x ({b} B + 1.5 KiB)", { a: 2, b: 4 }, 3080, null],
    ["{a} x {b} B", { a: 3, b: 4 }, 14, /the sum is 12/],
    ["{a} sequences of {b} tokens", { a: 3, b: 4 }, 12, /more than one sum/],
    ["profile run", {}, 12, /ends too early/],
    ["{a} x {c} B", { a: 3 }, 12, /no part of a sum/],
  ] as const)("%s of %j = %i", ([formula, inputs, bytes, problem]) => {
    const found = mismatch(term(formula, inputs, bytes));
    if (problem === null) expect(found).toBeNull();
    else expect(found).toMatch(problem);
  });
});
