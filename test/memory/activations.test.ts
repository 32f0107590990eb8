import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { peakElements, widestLayer } from "../../src/engines/layer-widths.ts";
import { serveOn } from "../../src/engines/registry.ts";
import { formatByName } from "../../src/formats/format-names.ts";
import { activations, logits, PREFILL_CHUNK_TOKENS } from "../../src/memory/activations.ts";
import { SINGLE_DEVICE } from "../../src/parallelism/degrees.ts";
import { uniformStorage } from "../../src/quantization/storage.ts";
import { bf16Cache } from "../engines/cache-formats.ts";
import { MEASURED, modelOf } from "../engines/measured-rows.ts";

const named = (config: string) => {
  const model = modelOf(MEASURED.find((row) => row.config === config)!);
  if (typeof model === "string") throw new Error(model);
  return model;
};

describe("activations without an engine", () => {
  test.for([
    ["llama-3.1-8b", 4096, 1, 2048 * (4 * 4096 + 3 * 14336) * 2, "2048 x (4 x 4096 + 3 x 14336) x 2 B"],
    ["llama-3.1-8b", 100, 2, 200 * (4 * 4096 + 3 * 14336) * 2, "200 x (4 x 4096 + 3 x 14336) x 2 B"],
    [
      "mixtral-8x7b",
      4096,
      1,
      2048 * (4 * 4096 + 2 * (3 * 14336 + 4096)) * 2,
      "2048 x (4 x 4096 + 2 experts of 3 x 14336 + 4096) x 2 B",
    ],
  ] as const)("%s at %i tokens x %i: %s = %s", ([name, contextTokens, sequences, bytes]) => {
    expect(activations(named(name), { contextTokens, sequences }).bytes).toBe(bytes);
  });

  test.for(["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "gemma-3-4b", "qwen3.6-27b"])(
    "%s: an engine that reads chunks of 2048 tokens has the same widths",
    (name) => {
      const model = named(name);
      const engine = serveOn("sglang", {
        model,
        storage: uniformStorage(formatByName("bf16")),
        format: bf16Cache,
        contextTokens: 4096,
        sequences: 1,
        computeBytes: 2,
        degrees: SINGLE_DEVICE,
        chunkedPrefillTokens: PREFILL_CHUNK_TOKENS,
      }).devices[0]!.terms.find((t) => t.id === "activations")!;
      expect(activations(model, { contextTokens: 4096, sequences: 1 }).bytes).toBe(engine.bytes);
    },
  );

  test.for([
    // Peak of the profile run less 36 MiB of workspaces, over 8192 tokens of 2 B: rows in serving-measured.json.
    ["codellama-7b", "llmd-019-codellama-7b-hf-bf16-tp1-pp1"],
    ["granite-3.1-8b", "llmd-019-granite-3.1-8b-instruct-bf16-tp1-pp1"],
  ] as const)("%s: elements per token within 5 %% of a run whose layers set the peak", ([name, id]) => {
    const row = MEASURED.find((r) => r.id === id)!;
    const measured = (row.measured.computeGiB! * 2 ** 30 - 36 * 2 ** 20) / (8192 * 2);
    const predicted = peakElements(widestLayer(named(name)));
    expect(Math.abs(predicted / measured - 1)).toBeLessThan(0.05);
  });

  test("logits of 8 rows: 8 x 128,256 x 6 B = 6,156,288", () => {
    expect(logits(named("llama-3.1-8b"), { sequences: 8, contextTokens: 4096 })!.bytes).toBe(6_156_288);
  });
});

describe("an encoder", () => {
  const bert = {
    model_type: "bert",
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
    vocab_size: 30522,
    max_position_embeddings: 512,
  };
  const plain = readArchitecture({ ...bert, architectures: ["BertModel"] }, "config.json");
  const masked = readArchitecture({ ...bert, architectures: ["BertForMaskedLM"] }, "config.json");

  test("without a head over the vocabulary makes no logits; with one, of every position: 8 x 512 x 30,522 x 6 B", () => {
    expect(logits(plain, { sequences: 8, contextTokens: 512 })).toBeNull();
    expect(logits(masked, { sequences: 8, contextTokens: 512 })!.bytes).toBe(8 * 512 * 30_522 * 6);
  });

  test("reads the whole batch at once: 8 x 512 tokens, not 2048", () => {
    const one = activations(plain, { sequences: 1, contextTokens: 512 }).bytes;
    expect(activations(plain, { sequences: 8, contextTokens: 512 }).bytes).toBe(8 * one);
  });

  test("in fp32 when that is what it is published in", () => {
    const half = activations(plain, { sequences: 1, contextTokens: 512 }).bytes;
    expect(activations(plain, { sequences: 1, contextTokens: 512, computeBytes: 4 }).bytes).toBe(2 * half);
  });
});
