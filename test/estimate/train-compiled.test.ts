import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import vectors from "../vectors/training-compiled.json" with { type: "json" };

const rows = (vectors.rows as [string, Record<string, unknown>, number, number][]).map(
  ([family, config, eager, compiled]) => ({ family, config, eager, compiled }),
);

/** The config with that many layers, each of full attention. */
const withLayers = (config: Record<string, unknown>, layers: number): Record<string, unknown> => ({
  ...config,
  ...("n_layer" in config ? { n_layer: layers } : { num_hidden_layers: layers }),
  ...("layer_types" in config ? { layer_types: new Array<string>(layers).fill("full_attention") } : {}),
});

function keptPerLayer(config: Record<string, unknown>, request: TrainRequest): number {
  const kept = (layers: number): number => {
    const model = readArchitecture(withLayers(config, layers), "config.json");
    const result = train(model, { precision: "bf16", microBatch: 2, seqTokens: 256, ...request });
    const terms = result.devices[0]!.phases.find(({ phase }) => phase === "loss-backward")!.terms;
    return terms.find(({ id }) => id === "activations")!.bytes;
  };
  return (kept(4) - kept(2)) / 2;
}

describe("what a layer keeps, as written and under torch.compile, against the real classes", () => {
  test.for(rows)("$family: $eager B as written, $compiled B compiled", ({ config, eager, compiled }) => {
    // Blocks of 512 bytes, and what stands in the model type's place of an fp32 copy of a norm's weight.
    expect(Math.abs(keptPerLayer(config, {}) / eager - 1)).toBeLessThan(0.0025);
    expect(Math.abs(keptPerLayer(config, { compile: "all" }) / compiled - 1)).toBeLessThan(0.0025);
  });

  test("Llama's layer of h 512 and f 1408: (6 x 512 + 2 x 256 + 3 x 1408) x 2 B per token and 8 + 8 x 4 B of sums", () => {
    const { config } = rows.find(({ family }) => family === "llama")!;
    const token = (6 * 512 + 2 * 256 + 3 * 1408) * 2 + 2 * 4 + 8 * 4;
    // A block of two seeds for the attention kernel is rounded up to 1,024 bytes.
    expect(keptPerLayer(config, { compile: "all" })).toBe(512 * token + 1024);
  });
});

describe("--compile", () => {
  const { config } = rows.find(({ family }) => family === "llama")!;
  const model = readArchitecture(config, "config.json");
  const allocated = (request: TrainRequest): number =>
    train(model, { precision: "bf16", microBatch: 4, seqTokens: 512, ...request }).totals.allocated.bytes;

  test("never needs more than the layers as they are written", () => {
    for (const checkpointing of ["none", "full", "selective", 2] as const)
      for (const method of ["full", "lora"] as const)
        expect(allocated({ checkpointing, method, compile: "all" })).toBeLessThanOrEqual(
          allocated({ checkpointing, method }),
        );
  });

  test("takes a plain loss into one kernel and leaves a chunked one", () => {
    const wide = readArchitecture({ ...config, vocab_size: 65_536 }, "config.json");
    const allocated = (request: TrainRequest): number =>
      train(wide, { precision: "bf16", microBatch: 8, seqTokens: 512, ...request }).totals.allocated.bytes;
    expect(allocated({ compile: "all", loss: "hf" })).toBe(allocated({ compile: "all", loss: "compiled" }));
    expect(allocated({ compile: "all", loss: "fused" })).toBeLessThan(
      allocated({ compile: "all", loss: "hf" }),
    );
  });
});
