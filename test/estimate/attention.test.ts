import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import { named } from "./estimate-models.ts";

const llama = named("llama-3.1-8b");
const workspace = (options: Parameters<typeof estimate>[1]): number =>
  estimate(llama, options).devices[0]!.terms.reduce(
    (sum, { id, bytes }) => (id === "workspace" ? sum + bytes : sum),
    0,
  );

describe("masks and scores", () => {
  test("eager, 1 x 4096, 2048 positions at a time: 8,388,608 pairs x (2 + 32 heads x 8) B = 2,164,260,864", () => {
    expect(2048 * 4096 * (2 + 32 * 8)).toBe(2_164_260_864);
    expect(workspace({ attention: "eager", contextTokens: 4096 })).toBe(2_164_260_864);
  });

  test("three prompts padded to 1024 under SDPA: 3 x 1024 x 1024 x 1 B = 3,145,728, and none when packed", () => {
    const batch = { batch: 3, contextTokens: 1024 } as const;
    expect(workspace({ ...batch, padded: true })).toBe(3_145_728);
    expect(workspace(batch)).toBe(0);
    expect(workspace({ ...batch, padded: true, attention: "flash" })).toBe(0);
  });

  test("tensor ranks divide the heads, not the mask: 8,388,608 x (2 + 8 x 8) B", () => {
    expect(workspace({ attention: "eager", contextTokens: 4096, tp: 4 })).toBe(8_388_608 * (2 + 8 * 8));
  });

  test("an encoder has scores too, and state-space layers neither scores nor a mask", () => {
    const eager = (name: string): number | undefined =>
      estimate(catalogueArchitecture(findCatalogueEntry(name)!.entry), {
        attention: "eager",
        contextTokens: 4096,
      }).devices[0]!.terms.find(({ id }) => id === "workspace")?.bytes;
    // Published in fp32, so computed in it: 4 + 16 heads x (4 + 4 + 4) B.
    expect(eager("bge-m3")).toBe(8_388_608 * (4 + 16 * 12));
    expect(eager("mamba-2.8b")).toBeUndefined();
  });

  test.each(["vllm", "sglang", "llama.cpp"])("%s brings its own kernels", (engine) => {
    expect(() => estimate(llama, { engine, attention: "eager" })).toThrow(/--attention got eager for/);
  });
});

describe("an encoder's text", () => {
  test("is taken as long as the decoder's: flan-t5-base 12 layers twice, 1024 x 24 x 2 x 768 x 2 B = 75,497,472", () => {
    // google/flan-t5-base
    const t5 = readArchitecture(
      {
        model_type: "t5",
        architectures: ["T5ForConditionalGeneration"],
        d_model: 768,
        d_kv: 64,
        d_ff: 2048,
        num_layers: 12,
        num_decoder_layers: 12,
        num_heads: 12,
        vocab_size: 32_128,
        feed_forward_proj: "gated-gelu",
        tie_word_embeddings: false,
      },
      "config.json",
    );
    for (const engine of ["generic", "transformers", "vllm"]) {
      const { devices, notes } = estimate(t5, { engine, contextTokens: 1024 });
      expect(devices[0]!.terms.find(({ id }) => id === "kv-cache")!.bytes).toBe(75_497_472);
      expect(notes.map(({ code }) => code)).toContain("encoder-tokens");
    }
  });
});
