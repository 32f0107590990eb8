import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";

const BERT_BASE = {
  model_type: "bert",
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  vocab_size: 30_522,
  max_position_embeddings: 512,
  type_vocab_size: 2,
};

const logitsOf = (architecture: string, options: EstimateOptions): number | undefined =>
  estimate(
    readArchitecture({ ...BERT_BASE, architectures: [architecture] }, "config.json"),
    options,
  ).devices[0]!.terms.find(({ id }) => id === "logits")?.bytes;

describe("a model that reads a whole text and generates none", () => {
  const batch = { contextTokens: 512, batch: 8 };

  test("transformers makes the logits of all 8 x 512 positions, in the compute format", () => {
    expect(logitsOf("BertForMaskedLM", { ...batch, engine: "transformers" })).toBe(8 * 512 * 30_522 * 2);
  });

  test("one without a head over the vocabulary makes none", () => {
    expect(logitsOf("BertModel", { ...batch, engine: "transformers" })).toBeUndefined();
    expect(logitsOf("BertModel", batch)).toBeUndefined();
  });

  test.each(["Qwen3ForSequenceClassification", "Qwen3Model"])(
    "%s, a decoder without such a head, makes none either",
    (name) => {
      const decoder = { ...BERT_BASE, model_type: "qwen3", architectures: [name], num_key_value_heads: 12 };
      const model = readArchitecture(decoder, "config.json");
      for (const engine of ["generic", "transformers", "vllm", "sglang"]) {
        const terms = estimate(model, { ...batch, engine }).devices[0]!.terms;
        expect(terms.map(({ id }) => id)).not.toContain("logits");
        expect(terms.map(({ id }) => id)).toContain("kv-cache");
      }
    },
  );

  test("vLLM does not sample from it, so the layers set the peak of its profile run", () => {
    expect(logitsOf("BertForMaskedLM", { ...batch, engine: "vllm" })).toBeUndefined();
  });
});
