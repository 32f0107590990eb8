import { describe, expect, test } from "vitest";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { smallLlama } from "./small-models.ts";

const T = 4096;
const [H, F, LAYERS] = [256, 704, 2];
const model = smallLlama(1000);

const qlora = (request: TrainRequest): TrainResult =>
  train(model, {
    method: "qlora",
    seqTokens: T,
    loraTargets: "attention",
    loraDropout: 0,
    attention: "flash",
    ...request,
  });
const bytes = (result: TrainResult, phase: string): number =>
  result.devices[0]!.phases.find((p) => p.phase === phase)!.allocated.bytes;

describe("a release of bitsandbytes", () => {
  test.for([
    [{}, "0.48"],
    [{ transformers: "4.45" }, "0.48"],
    [{ transformers: "4.42.4" }, "0.43.1"],
    [{ framework: "litgpt" }, "0.43.1"],
    [{ transformers: "4.40", bitsandbytes: "0.44" }, "0.44"],
  ] as const)("%j runs %s", ([request, release]) => {
    expect(train(model, request).request.bitsandbytes).toBe(release);
  });

  test.for(["1", "0", "0.43.1.2", "latest", "constructor"])("%s is none", (bitsandbytes) => {
    expect(() => qlora({ bitsandbytes })).toThrow("a release of bitsandbytes such as 0.43.1 or 0.48");
  });

  // A prepared model runs its norms in fp32: what 4-bit linears keep is both norms' output, 4h each, and down's input, 4f.
  test("before 0.43.2 a layer that is made again keeps the inputs of its packed linears", () => {
    const of = (bitsandbytes: string) =>
      bytes(qlora({ checkpointing: "full", reentrantCheckpoints: true, bitsandbytes }), "layer-backward");
    expect(of("0.43.1") - of("0.43.2")).toBe(T * (4 * H + 4 * H + 4 * F));
    expect(of("0.41.3") - of("0.43")).toBe(0);
  });

  test("and checkpoints that are not reentrant leave them in the graph of forward", () => {
    const of = (bitsandbytes: string, reentrantCheckpoints: boolean) =>
      bytes(qlora({ checkpointing: "full", reentrantCheckpoints, bitsandbytes }), "loss-backward");
    expect(of("0.43.1", true)).toBe(of("0.43.2", true));
    // The output product reads what attention gave back, 2h.
    expect(of("0.43.1", false) - of("0.43.2", false)).toBe(LAYERS * T * (4 * H + 2 * H + 4 * H + 4 * F));
  });

  test("8-bit and GPTQ weights keep nothing by it, nor do Unsloth's kernels", () => {
    for (const request of [
      { quantization: "int8" },
      { quantization: "int4-g128" },
      { framework: "unsloth" },
    ] as const) {
      const of = (bitsandbytes: string) => qlora({ ...request, bitsandbytes }).totals.allocated.bytes;
      expect(of("0.43.1")).toBe(of("0.48"));
    }
  });
});

describe("PEFT's adapters on packed weights", () => {
  // Under autocast x goes in as it is: without dropout the adapters of q, k, v and o keep what their linears read, not an fp32 copy of it.
  test("leave the type of their input to autocast", () => {
    const kept = (targets: TrainRequest["loraTargets"]) =>
      bytes(
        qlora({
          kbitPreparation: false,
          precision: "amp-bf16",
          adapterFormat: "fp32",
          loraTargets: targets!,
          loraRank: 8,
        }),
        "loss-backward",
      );
    // One more adapter on the same input keeps its own product of rank 8, and its weights, states and 16-bit copies: far less than x.
    const more = kept(["q_proj", "k_proj"]) - kept(["q_proj"]);
    expect(more).toBeGreaterThan(LAYERS * T * 8 * 2);
    expect(more).toBeLessThan((T * H * 2) / 4);
  });
});
