import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import { trainReliefs } from "../../src/estimate/train-reliefs.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";

const bert = catalogueArchitecture(findCatalogueEntry("bert-large-uncased")!.entry);

const LAYERS = 24;
const HEADS = 16;
const TOKENS = 512;
const request: TrainRequest = { precision: "fp32", seqTokens: TOKENS, attention: "eager" };

const during = (result: TrainResult, phase: string, id: string): number =>
  result.devices[0]!.phases.find((p) => p.phase === phase)!.terms.find((term) => term.id === id)?.bytes ?? 0;
const under = (torch: string): TrainResult => train(bert, { ...request, torch });

describe("older releases of PyTorch keep more", () => {
  test("before 1.11 softmax keeps its input: 24 layers x 16 heads x 512 x 512 scores x 4 B = 402,653,184 B", () => {
    const [old, next] = [under("1.10"), under("1.11")];
    const scores = LAYERS * HEADS * TOKENS * TOKENS * 4;
    expect(scores).toBe(402_653_184);
    expect(during(old, "forward", "activations") - during(next, "forward", "activations")).toBe(scores);
  });

  test("before 2.0 gradients are set to zero and stay: forward finds all 4 B per parameter of them", () => {
    const forward = (torch: string): number => during(under(torch), "forward", "gradients");
    // The pooler before no classifier gets no gradient: 0.3 % of the parameters.
    const each = forward("1.13") / bert.parameters.total;
    expect(each).toBeGreaterThan(3.98);
    expect(each).toBeLessThan(4.01);
    expect(forward("2.0")).toBe(0);
  });

  test("before 2.0 there is neither fused attention nor a fused optimizer", () => {
    const { attention, optimizer } = train(bert, { torch: "1.13" }).request;
    expect([attention, optimizer]).toEqual(["eager", "adamw-loop"]);
    const asking = (more: TrainRequest) => () => train(bert, { torch: "1.13", ...more });
    expect(asking({ attention: "sdpa" })).toThrow(
      "--attention got sdpa with PyTorch 1.13, expected eager or flash, or --torch 2.0 or newer.",
    );
    expect(asking({ compile: "all" })).toThrow(
      "--compile got all with PyTorch 1.13, expected none, or --torch 2.0",
    );
    const changes = trainReliefs(bert, { torch: "1.13", microBatch: 8 }).flatMap(({ change }) =>
      Object.keys(change),
    );
    expect(changes).toContain("checkpointing");
    expect(changes).not.toContain("compile");
    expect(changes).not.toContain("attention");
  });

  test("with batches of changing length kept gradients stay where the first micro-batch put them", () => {
    const varied = (torch: string) => train(bert, { ...request, torch, lengths: "varied" }).totals;
    expect(varied("1.11").reserved.bytes).toBeGreaterThan(varied("2.0").reserved.bytes);
  });

  test.for(["two", "2", "", "1.10.0.0", "9".repeat(80)])('"%s" is no release', (torch) => {
    expect(() => train(bert, { torch })).toThrow(/--torch got ".*", expected a release of PyTorch/);
  });
});
