import { describe, expect, test } from "vitest";
import { loraLinears, loraParameterCount, loraParameters } from "../../src/adapters/lora.ts";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Tensor } from "../../src/architecture/model.ts";

const linear = (outDim: number, inDim: number): Tensor => ({
  name: "proj.weight",
  role: "attn-q",
  kind: "linear",
  group: "attention",
  shape: [outDim, inDim],
  copies: 1,
  activeCopies: 1,
  split: "heads",
});

test("an option that is there and says nothing is one that is not there: Mixtral's fused experts keep their adapters", () => {
  const mixtral = catalogueArchitecture(findCatalogueEntry("mixtral-8x7b")!.entry);
  const count = (more: object): number =>
    loraParameterCount(loraLinears(mixtral, { rank: 4, targets: "all-linear", ...more }));
  expect(count({ experts: undefined, routers: undefined })).toBe(count({}));
  expect(count({ experts: false })).toBeLessThan(count({}));
});

describe("loraParameters", () => {
  test("W 1024 x 2048, r 32: A 1024 x 32 and B 32 x 2048 are 98,304 = 32 x (1024 + 2048) against 2,097,152", () => {
    const weight = linear(2048, 1024);
    expect(loraParameters(weight, { rank: 32 })).toBe(98_304);
    expect(weight.shape[0]! * weight.shape[1]!).toBe(2_097_152);
  });

  test("DoRA adds one magnitude per output: 98,304 + 2048", () => {
    expect(loraParameters(linear(2048, 1024), { rank: 32, dora: true })).toBe(100_352);
  });

  test("fused experts: 8 x r 4 x (64 + 32) down, and gate and up share a doubled rank: 8 x 4 x (32 + 2 x 64) each", () => {
    const expert = { ...linear(64, 32), kind: "expert", copies: 8, group: "experts" } as const;
    expect(loraParameters({ ...expert, role: "mlp-down" }, { rank: 4 })).toBe(8 * 4 * 96);
    expect(loraParameters({ ...expert, role: "mlp-gate" }, { rank: 4 })).toBe(8 * 4 * 160);
  });
});

describe("loraLinears on Llama 3.1 8B", () => {
  const model = catalogueArchitecture(findCatalogueEntry("llama-3.1-8b")!.entry);
  // q, o 4096 x 4096; k, v 1024 x 4096; gate, up 14336 x 4096; down 4096 x 14336; 32 layers.
  const CASES = [
    {
      targets: "all-linear",
      rank: 16,
      kinds: 7,
      parameters: 41_943_040,
      why: "32 x 16 x (2 x 8192 + 2 x 5120 + 3 x 18432)",
    },
    {
      targets: "attention",
      rank: 16,
      kinds: 4,
      parameters: 13_631_488,
      why: "32 x 16 x (2 x 8192 + 2 x 5120)",
    },
    { targets: "query-value", rank: 16, kinds: 2, parameters: 6_815_744, why: "32 x 16 x (8192 + 5120)" },
    { targets: ["q_proj"], rank: 8, kinds: 1, parameters: 2_097_152, why: "32 x 8 x 8192" },
  ] as const;

  test.for(CASES)("$targets r $rank: $parameters = $why", ({ targets, rank, kinds, parameters }) => {
    const linears = loraLinears(model, { rank, targets });
    expect(linears.length).toBe(kinds);
    expect(loraParameterCount(linears)).toBe(parameters);
  });

  test("never the head or the embedding unless named", () => {
    const names = loraLinears(model, { rank: 4, targets: "all-linear" }).map((l) => l.name);
    expect(names.some((n) => /lm_head|embed/.test(n))).toBe(false);
    expect(loraLinears(model, { rank: 4, targets: ["lm_head"] }).map((l) => l.name)).toEqual(["lm_head"]);
  });

  test("targets that match nothing name the linears that are there", () => {
    expect(() => loraLinears(model, { rank: 4, targets: ["c_attn"] })).toThrow(/q_proj, k_proj/);
  });

  test("a rank of 0 is refused", () => {
    expect(() => loraLinears(model, { rank: 0, targets: "all-linear" })).toThrow(/whole number from 1/);
  });
});
