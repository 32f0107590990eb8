import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { invoke } from "../cli/invoke.ts";

const llama = catalogueArchitecture(findCatalogueEntry("llama-3.1-8b")!.entry);
const codes = (request: TrainRequest): readonly string[] => train(llama, request).notes.map((n) => n.code);

/** Rajbhandari et al., arXiv:1910.02054, figure 1: model states of 7.5B parameters over 64 devices, in GB. */
describe("ZeRO's figure 1", () => {
  test.each([
    ["zero1", 31.4],
    ["zero2", 16.6],
    ["zero3", 1.88],
  ])("train 7.5B --dp 64 --sharding %s: %s GB", async (sharding, gigabytes) => {
    const { stdout } = await invoke(`train 7.5B --dp 64 --sharding ${sharding} --json`);
    const { devices } = JSON.parse(stdout);
    const states = ["weights", "master-weights", "gradients", "optimizer"];
    const step = devices[0].phases.find((p: { phase: string }) => p.phase === "optimizer-step");
    const bytes = step.terms.reduce(
      (sum: number, t: { id: string; bytes: number }) => (states.includes(t.id) ? sum + t.bytes : sum),
      0,
    );
    expect(Math.abs(bytes / 1e9 - gigabytes)).toBeLessThan(0.06);
  });

  test("the masters that DeepSpeed adds are said", () => {
    expect(codes({ parallel: { dp: 8, sharding: "zero2" } })).toContain("zero-master-weights");
    expect(codes({ parallel: { dp: 8, sharding: "fsdp2" } })).not.toContain("zero-master-weights");
  });
});

describe("notes of a training request", () => {
  test("options without effect", () => {
    const idle: readonly TrainRequest[] = [
      { loraRank: 8 },
      { quantization: "nf4" },
      { method: "lora", quantization: "nf4" },
      { unfrozenLayers: 2 },
      { parallel: { schedule: "gpipe" } },
      { parallel: { virtualStages: 2 } },
      { parallel: { dp: 8, sharding: "zero1", reshardAfterForward: false } },
      { parallel: { sharding: "zero3" } },
      { parallel: { dp: 8, dpReplicate: 8, sharding: "zero3" } },
      { parallel: { dp: 8, dpReplicate: 2, sharding: "ddp" } },
      // DeepSpeed gathers again in backward whatever is asked; stages keep what they gathered.
      { parallel: { dp: 8, sharding: "zero3", reshardAfterForward: false } },
      { gradAccum: 2, parallel: { dp: 8, pp: 2, sharding: "fsdp2", reshardAfterForward: false } },
      { optimizerRank: 64 },
      { method: "qlora", baseFormat: "fp32" },
    ];
    for (const request of idle) expect(codes(request), JSON.stringify(request)).toContain("idle-option");
    const working: readonly TrainRequest[] = [
      {},
      { method: "qlora", loraRank: 8, quantization: "nf4" },
      { parallel: { pp: 2, schedule: "gpipe" } },
      { parallel: { dp: 8, sharding: "fsdp2", reshardAfterForward: false } },
      { parallel: { dp: 8, dpReplicate: 2, sharding: "fsdp2" } },
      { optimizer: "galore", optimizerRank: 64 },
      { method: "qlora", baseFormat: "fp32", kbitPreparation: false, precision: "amp-bf16" },
      { attention: "eager" },
    ];
    for (const request of working) expect(codes(request)).not.toContain("idle-option");
  });

  test("sequences longer than the config declares", () => {
    expect(codes({ seqTokens: 200_000 })).toContain("context-beyond-model");
    expect(codes({ seqTokens: 131_072 })).not.toContain("context-beyond-model");
  });

  test("paged states lie outside PyTorch's allocator and may leave the device", () => {
    const plain = train(llama, { method: "lora", optimizer: "adamw-8bit" });
    const paged = train(llama, { method: "lora", optimizer: "paged-adamw-8bit" });
    const states = plain.devices[0]!.terms.find((t) => t.id === "optimizer")!.bytes;
    expect(plain.totals.allocated.bytes - paged.totals.allocated.bytes).toBe(states);
    const term = paged.devices[0]!.terms.find((t) => t.id === "optimizer")!;
    expect(term).toMatchObject({ bytes: states, low: 0, high: states });
    expect(paged.notes.map((n) => n.code)).toContain("paged-states");
  });

  test("experts that QLoRA leaves unquantized", () => {
    const moe = catalogueArchitecture(findCatalogueEntry("qwen3-30b-a3b")!.entry);
    const { notes } = train(moe, { method: "qlora" });
    // 48 layers x 128 experts x 3 matrices of 2048 x 768.
    const experts = 48 * 128 * 3 * 2048 * 768;
    expect(notes.find((n) => n.code === "unquantized-experts")?.details).toEqual({
      experts,
      bytes: 4 * experts,
    });
    expect(codes({ method: "qlora" })).not.toContain("unquantized-experts");
  });
});

describe("weights on the host", () => {
  const sized = (parallel: NonNullable<TrainRequest["parallel"]>) => {
    const { devices } = train(llama, { parallel });
    const phases = devices[0]!.phases;
    return (id: string): number =>
      Math.max(...phases.map(({ terms }) => terms.find((term) => term.id === id)?.bytes ?? 0));
  };

  test("only schemes that divide weights can put them there", () => {
    expect(codes({ parallel: { dp: 8, sharding: "zero2", offloadWeights: true } })).toContain("idle-option");
    expect(sized({ offloadWeights: true })("weights")).toBe(sized({})("weights"));
    expect(codes({ parallel: { sharding: "zero3", offloadWeights: true } })).not.toContain("idle-option");
  });

  test("a single rank still gathers what it computes with, and FSDP steps on the host", () => {
    const bytes = sized({ sharding: "fsdp2", offloadWeights: true });
    expect(bytes("weights")).toBe(0);
    expect(bytes("communication")).toBeGreaterThan(0);
    expect(bytes("optimizer")).toBe(0);
  });
});

describe("chunks of the interleaved schedule", () => {
  const activations = (schedule: "1f1b" | "interleaved", virtualStages: number): number => {
    const { devices } = train(llama, { gradAccum: 8, parallel: { pp: 4, schedule, virtualStages } });
    return Math.max(
      ...devices[0]!.phases.flatMap(({ terms }) =>
        terms.filter(({ id }) => id === "activations").map(({ bytes }) => bytes),
      ),
    );
  };

  test("one chunk is 1f1b; more hold more; a chunk has a layer", () => {
    expect(activations("interleaved", 1)).toBe(activations("1f1b", 1));
    expect(activations("interleaved", 2)).toBeGreaterThan(activations("interleaved", 1));
    expect(() => activations("interleaved", 9)).toThrow("at most 8, the layers of each of 4 stages");
  });
});

test("chunks of a loss are laid out one by one, so that a request for a million is refused", () => {
  expect(() => train(llama, { loss: "chunked", compile: "all", lossChunks: 1_000_000 })).toThrow(
    "--loss-chunks got 1000000, expected a whole number from 1 to 4096",
  );
  expect(
    train(llama, { loss: "chunked", compile: "all", lossChunks: 4096 }).totals.allocated.bytes,
  ).toBeGreaterThan(0);
});
