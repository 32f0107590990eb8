import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";

const term = (result: TrainResult, phase: string, id: string): number =>
  result.devices[0]!.phases.find((p) => p.phase === phase)!.terms.find((t) => t.id === id)?.bytes ?? 0;

const [H, KV, F, HEADS, T] = [512, 128, 1408, 8, 4096];
const llama = (num_hidden_layers: number, more: Record<string, unknown> = {}) =>
  readArchitecture(
    {
      model_type: "llama",
      hidden_size: H,
      intermediate_size: F,
      num_hidden_layers,
      num_attention_heads: HEADS,
      num_key_value_heads: 2,
      vocab_size: 1000,
      tie_word_embeddings: false,
      ...more,
    },
    "config.json",
  );
const unsloth: TrainRequest = {
  framework: "unsloth",
  method: "lora",
  attention: "flash",
  seqTokens: T,
  loraRank: 8,
};

/** Bytes per token that one layer more keeps. */
function kept(request: TrainRequest, more: Record<string, unknown> = {}): number {
  const at = (layers: number): number =>
    term(
      train(llama(layers, more), { ...unsloth, checkpointing: "none", ...request }),
      "loss-backward",
      "activations",
    );
  return (at(6) - at(4)) / 2 / T;
}

describe("Unsloth", () => {
  test("has its own defaults: checkpoints on the host, fused loss, no dropout, expandable segments, fp32 adapters, nothing prepared", () => {
    expect(train(llama(2), { ...unsloth, method: "qlora" }).request).toMatchObject({
      framework: "unsloth",
      checkpointing: "offload",
      loss: "fused",
      loraDropout: 0,
      adapterFormat: "fp32",
      kbitPreparation: false,
      precision: "amp-bf16",
    });
    expect(train(llama(2), unsloth).request.expandableSegments).toBe(true);
  });

  // Two streams, two normed copies, queries and attention's result: 6 x 2h; keys and values; gate and up: 4f; a reciprocal
  // root mean square per norm and a log-sum per head: 4 B each. FlashAttention's seed and offset are a block of 512 B each.
  test("a layer keeps 12h + 4kv + 4f + 4 heads + 8 B per token, and its adapters nothing more", () => {
    expect(kept({})).toBe(12 * H + 4 * KV + 4 * F + 4 * HEADS + 8 + (2 * 512) / T);
  });

  test("an operation is fused where all of its linears have an adapter without dropout; else it keeps what PEFT does", () => {
    const fused = kept({});
    expect(kept({ loraDropout: 0.05 })).toBeGreaterThan(fused + 2 * F);
    // silu(gate), its result and the product that down reads: 6f instead of none, and each A's input is shared.
    expect(kept({ loraTargets: ["q_proj", "k_proj", "v_proj", "o_proj"] })).toBeGreaterThan(fused);
    expect(kept({ dora: true })).toBeGreaterThan(fused);
    // A bias belongs to none of the three operations.
    expect(kept({}, { attention_bias: true })).toBeGreaterThan(fused);
  });

  test("full training runs its norms and rotation, and no operation with adapters", () => {
    const full = kept({ method: "full" });
    expect(full).toBeGreaterThan(kept({}));
    expect(full).toBeLessThan(kept({ method: "full", framework: "hf" }));
  });

  test("checkpoints leave for the host through two buffers, however many layers", () => {
    const at = (layers: number, framework: "unsloth" | "hf"): number =>
      term(
        train(llama(layers), { ...unsloth, framework, checkpointing: "offload" }),
        "layer-backward",
        "activations",
      );
    expect(at(12, "unsloth")).toBe(at(4, "unsloth"));
    expect(at(4, "unsloth") - at(2, "unsloth")).toBe(0);
  });

  test("its fused loss takes one chunk, or a multiple of four, of at most 4 GiB at 16 B per logit, of which 4 are held", () => {
    const forward = (vocab_size: number, framework: "unsloth" | "hf"): number =>
      term(train(llama(2, { vocab_size }), { ...unsloth, framework, loss: "fused" }), "forward", "logits");
    const per = (few: number, many: number, framework: "unsloth" | "hf"): number =>
      (forward(many, framework) - forward(few, framework)) / (many - few);
    expect(per(16_000, 32_000, "unsloth")).toBe(4 * T);
    // 16 x 4096 x 96,000 B are 1.46 times 4 GiB, of 128,000 words 1.95 times: four chunks.
    expect(per(96_000, 128_000, "unsloth")).toBe((4 * T) / 4);
    // Liger's chunks of 32 rows, 2 x 32 B per word, are less than what the final norm needs.
    expect(per(96_000, 128_000, "hf")).toBe(0);
  });

  test("says where a family's layers were not read", () => {
    const gemma = catalogueArchitecture(findCatalogueEntry("gemma-2-9b")!.entry);
    const note = train(gemma, unsloth).notes.find(({ code }) => code === "assumed-layer-code");
    expect(note?.message).toContain("llama, mistral, qwen2, qwen3");
    expect(train(llama(2), unsloth).notes.map(({ code }) => code)).not.toContain("assumed-layer-code");
  });
});
