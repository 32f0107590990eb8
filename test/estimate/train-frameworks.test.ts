import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { smallLlama } from "./small-models.ts";

/** Llama 2 7B: 6,738,415,616 weights, of which 131,072,000 in the head and as many in the embedding. */
const llama = readArchitecture(
  {
    model_type: "llama",
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    vocab_size: 32000,
    tie_word_embeddings: false,
  },
  "llama-2-7b",
);
const mixtral = catalogueArchitecture(findCatalogueEntry("mixtral-8x7b")!.entry);
const P = 6_738_415_616;
const HEAD = 131_072_000;

const term = (result: TrainResult, phase: string, id: string): number =>
  result.devices[0]!.phases.find((p) => p.phase === phase)!.terms.find((t) => t.id === id)?.bytes ?? 0;

describe("LitGPT", () => {
  const litgpt: TrainRequest = {
    framework: "litgpt",
    method: "qlora",
    precision: "bf16",
    adapterFormat: "bf16",
    kbitPreparation: false,
    quantization: "nf4",
    loraRank: 8,
    loraTargets: "query-value",
    loss: "plain",
    seqTokens: 512,
  };

  test("makes adapters in the weights' type and prepares nothing: PEFT's are fp32 and its preparation fp32 too", () => {
    const asked = (request: TrainRequest) =>
      train(llama, { method: "qlora", seqTokens: 512, ...request }).request;
    for (const framework of ["litgpt", "torchtune"] as const) {
      expect(asked({ framework })).toMatchObject({ adapterFormat: "bf16", kbitPreparation: false });
      expect(asked({ framework, precision: "fp32" }).adapterFormat).toBe("fp32");
    }
    expect(asked({})).toMatchObject({ adapterFormat: "fp32", kbitPreparation: true });
    expect(train(llama, { ...litgpt, adapterFormat: "bf16", kbitPreparation: false }).total).toEqual(
      train(llama, {
        framework: "litgpt",
        method: "qlora",
        quantization: "nf4",
        loraRank: 8,
        loraTargets: "query-value",
        loss: "plain",
        seqTokens: 512,
      }).total,
    );
  });

  test("under autocast leaves the base in fp32: 4 B per weight, and 2 B of 16-bit copies that backward reads", () => {
    const mixed: TrainRequest = { ...litgpt, method: "lora", precision: "amp-bf16", lengths: "varied" };
    const at = (id: string, request: TrainRequest): number =>
      term(train(llama, request), "loss-backward", id);
    expect(train(llama, mixed).request.baseFormat).toBe("fp32");
    expect(at("weights", mixed) / P).toBeCloseTo(4, 3);
    expect(at("weights", { ...mixed, baseFormat: "16-bit" }) / P).toBeCloseTo(2, 3);
    // Nothing before the first layer's adapters has a gradient: what they read is all that its products keep no copy for.
    const linears = P - 2 * HEAD - 65 * 4096;
    const copies = at("activations", mixed) - at("activations", { ...mixed, baseFormat: "16-bit" });
    expect(copies / linears).toBeGreaterThan(1.9);
  });

  test("packs the head too: 131,072,000 x (2 - 0.5625) B less than Hugging Face", () => {
    const weights = (framework: "litgpt" | "hf"): number =>
      term(train(llama, { ...litgpt, framework }), "forward", "weights");
    expect((weights("hf") - weights("litgpt")) / HEAD).toBeCloseTo(1.4375, 4);
  });

  test("holds the step before while the model runs: 32 x 512 x (3 x 4096 + 11008) x 2 B of inputs to packed weights", () => {
    const inputs = 32 * 512 * (3 * 4096 + 11008) * 2;
    const forward = (lengths: "fixed" | "varied"): number =>
      term(train(llama, { ...litgpt, lengths }), "forward", "activations");
    expect(forward("fixed") - forward("varied")).toBe(inputs);
  });

  const T = 512;
  const V = 32_000;
  const whole: TrainRequest = { ...litgpt, method: "lora", lengths: "varied", seqTokens: T };

  test("has its logits in fp32 and holds them: (4 + 4 + 8 x 128 / 512) x 512 x 32,000 B where backward starts, and 4 B per channel of the norm", () => {
    const logits = term(train(llama, whole), "loss-backward", "logits");
    const norm = T * 4096 * 4 + T * 4;
    expect((logits - norm) / (T * V)).toBeCloseTo(4 + 4 + 2, 1);
  });

  test("drops out once for q, k and v: (31 x 1 + 32 x 2) x 512 x 4096 B of masks and results, a third of three adapters'", () => {
    const kept = (framework: "litgpt" | "hf", loraDropout: number): number =>
      term(
        train(llama, {
          ...whole,
          framework,
          loraDropout,
          loraTargets: ["q_proj", "k_proj", "v_proj"],
          checkpointing: "none",
        }),
        "loss-backward",
        "activations",
      );
    // Nothing before the first layer trains, so its mask is not kept.
    const each = (31 * 1 + 32 * 2) * T * 4096;
    const dropout = (framework: "litgpt" | "hf"): number => kept(framework, 0.05) - kept(framework, 0);
    // Without dropout every A keeps the normed input itself, which is one tensor.
    expect(dropout("hf")).toBe(3 * each - 32 * T * 4096 * 2);
    expect(dropout("litgpt")).toBe(each - 32 * T * 4096 * 2);
  });

  test("caps the scores of Gemma 2 by hand: softmax 4 + its copy 2 + tanh 2 B for each of 8 heads and 512 x 512 pairs, as eager", () => {
    const gemma = readArchitecture(
      {
        model_type: "gemma2",
        hidden_size: 2304,
        num_hidden_layers: 26,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        head_dim: 256,
        intermediate_size: 9216,
        vocab_size: 256_000,
        sliding_window: 4096,
        attn_logit_softcapping: 50,
        final_logit_softcapping: 30,
      },
      "gemma-2-2b",
    );
    const kept = (framework: "litgpt" | "hf", attention: "sdpa" | "eager"): number =>
      term(train(gemma, { ...whole, framework, attention }), "loss-backward", "activations");
    expect(kept("litgpt", "sdpa")).toBe(kept("litgpt", "eager"));
    expect(kept("hf", "eager") - kept("hf", "sdpa")).toBeGreaterThan(26 * 8 * T * T * (4 + 2 + 2) * 0.8);
  });

  test("keeps the padded result of an adapter on q and v: 32 x 512 x 8192 x 2 B, and none when k has one too", () => {
    const kept = (loraTargets: readonly string[], framework: "litgpt" | "hf"): number =>
      term(
        train(llama, {
          ...litgpt,
          framework,
          method: "lora",
          loraTargets,
          loraDropout: 0,
          lengths: "varied",
        }),
        "loss-backward",
        "activations",
      );
    const some = kept(["q_proj", "v_proj"], "litgpt") - kept(["q_proj", "v_proj"], "hf");
    const all = kept(["q_proj", "k_proj", "v_proj"], "litgpt") - kept(["q_proj", "k_proj", "v_proj"], "hf");
    expect(some - all).toBe(32 * 512 * 8192 * 2);
  });

  test("under FSDP holds gradients of frozen weights between micro-batches: 6,738,415,616 x 2 B on each of two cards", () => {
    const gradients = (gradAccum: number): number =>
      term(
        train(llama, { ...litgpt, method: "lora", gradAccum, parallel: { dp: 2, sharding: "fsdp" } }),
        "loss-backward",
        "gradients",
      );
    expect(gradients(1)).toBe(0);
    expect(gradients(16) / P).toBeCloseTo(2, 2);
  });
});

describe("torchtune", () => {
  const T = 4096;
  const perLogit = (request: TrainRequest, phase: string): number => {
    const logits = (vocabulary: number): number =>
      term(
        train(smallLlama(vocabulary), {
          framework: "torchtune",
          method: "lora",
          seqTokens: T,
          compile: "all",
          ...request,
        }),
        phase,
        "logits",
      );
    return (logits(64_000) - logits(32_000)) / (T * 32_000);
  };

  test("keeps compiled chunks of logits as they are: 2 B per logit, and 2/8 for the gradient of one of eight chunks", () => {
    expect(perLogit({ loss: "chunked" }, "forward")).toBeCloseTo(2, 2);
    expect(perLogit({ loss: "chunked" }, "loss-backward")).toBeCloseTo(2 + 2 / 8, 2);
    expect(perLogit({ loss: "chunked", compile: "layers" }, "forward")).toBeCloseTo(6.5, 2);
  });

  test("makes fp32 logits outside the compiled loss: 4 + 4 B, where transformers' are 2 + 2", () => {
    expect(perLogit({ loss: "hf" }, "loss-backward")).toBeCloseTo(8, 2);
    expect(perLogit({ loss: "hf", framework: "hf" }, "loss-backward")).toBeCloseTo(4, 2);
  });

  test("steps in backward: no gradients but the largest, 32,000 x 4096 x 2 B, and no micro-batches to add", () => {
    const full: TrainRequest = { framework: "torchtune", seqTokens: 512, optimizerInBackward: true };
    const result = train(llama, full);
    for (const phase of ["forward", "loss-backward", "layer-backward"])
      expect(term(result, phase, "gradients")).toBe(0);
    expect(term(result, "optimizer-step", "gradients")).toBe(HEAD * 2);
    const stored = train(llama, { ...full, optimizerInBackward: false }).totals.allocated.bytes;
    expect((stored - result.totals.allocated.bytes) / P).toBeGreaterThan(1.5);
    expect(() => train(llama, { ...full, gradAccum: 2 })).toThrow("--grad-accum 1");
    expect(() => train(llama, { ...full, framework: "megatron" })).toThrow("--optimizer-in-backward");
  });
});

describe("Megatron", () => {
  const words = (vocab_size: number) =>
    readArchitecture(
      {
        model_type: "llama",
        hidden_size: 1024,
        intermediate_size: 2816,
        num_hidden_layers: 2,
        num_attention_heads: 8,
        vocab_size,
        tie_word_embeddings: false,
      },
      "config.json",
    );
  const T = 4096;
  const more = (request: TrainRequest, phase: string): number => {
    const logits = (vocabulary: number): number =>
      term(train(words(vocabulary), { framework: "megatron", seqTokens: T, ...request }), phase, "logits");
    return (logits(64_000) - logits(32_000)) / (T * 32_000);
  };

  test("turns the fp32 copy of the logits into the softmax and then the gradient in place: 2 + 4 B per logit, 4 + 2 B in backward", () => {
    expect(more({}, "forward")).toBeCloseTo(6, 3);
    expect(more({}, "loss-backward")).toBeCloseTo(6, 3);
    expect(more({ loss: "hf" }, "loss-backward")).toBeCloseTo(12, 3);
    expect(more({ precision: "fp32" }, "forward")).toBeCloseTo(4, 3);
    // Beside it the head's gradient: 1024 x 4 / 4096 tokens.
    expect(more({ precision: "fp32" }, "loss-backward")).toBeCloseTo(4 + 1, 3);
  });

  test("adds gradients to one fp32 buffer that exists from the start, without buckets: 4 B per weight in every phase", () => {
    for (const sharding of ["ddp", "zero1"] as const) {
      const result = train(llama, { framework: "megatron", seqTokens: 512, parallel: { dp: 8, sharding } });
      for (const phase of ["forward", "loss-backward", "layer-backward", "optimizer-step"]) {
        expect(term(result, phase, "gradients") / P).toBeCloseTo(4, 4);
        expect(term(result, phase, "communication")).toBe(0);
      }
      expect(result.notes.map(({ code }) => code)).not.toContain("zero-master-weights");
    }
  });

  // A reading between steps: tests/functional_tests/test_cases/gpt/gpt3_mcore_te_tp1_pp1_dist_optimizer_no_mmap_bin_files,
  // golden_values_dev_dgx_h100.json, mem-allocated-bytes.
  test("has 64,109,568 x (2 + 4 + 12/8) + 3 x 32 MiB + 4 KiB = 581,489,152 B between steps of GPT 12 x 512 over eight ranks", () => {
    const gpt = readArchitecture(
      {
        model_type: "gpt2",
        architectures: ["GPT2LMHeadModel"],
        n_embd: 512,
        n_layer: 12,
        n_head: 8,
        n_positions: 1024,
        vocab_size: 50_304,
      },
      "config.json",
    );
    const result = train(gpt, {
      framework: "megatron",
      seqTokens: 1024,
      microBatch: 4,
      parallel: { dp: 8, sharding: "zero1" },
    });
    const { allocated } = result.devices[0]!.phases.find((p) => p.phase === "optimizer-step")!;
    expect(allocated.bytes / 581_489_152).toBeCloseTo(1, 3);
  });

  test("divides the sequence over tensor-parallel ranks only when asked, or where its layers have experts", () => {
    const on = (request: TrainRequest, model = llama): boolean =>
      train(model, { framework: "megatron", seqTokens: 512, ...request }).request.parallel.sequenceParallel;
    expect(on({ parallel: { tp: 4 } })).toBe(false);
    expect(on({ parallel: { tp: 4, sequenceParallel: true } })).toBe(true);
    expect(on({ parallel: { tp: 4 }, framework: "fsdp" })).toBe(true);
    expect(on({ parallel: { tp: 4 } }, mixtral)).toBe(true);
  });

  const keptPerLayer = (request: TrainRequest): number =>
    term(
      train(llama, { framework: "megatron", seqTokens: 512, ...request }),
      "loss-backward",
      "activations",
    ) / 32;

  test("keeps 2 B per score of unfused attention: 32 heads x 512 x 512 x 2 B a layer, where transformers keeps 6", () => {
    const scores = 32 * 512 * 512;
    const eager = (framework: "megatron" | "hf"): number =>
      (keptPerLayer({ framework, attention: "eager" }) - keptPerLayer({ framework, attention: "flash" })) /
      scores;
    // Beside the scores, flash attention's 4 B per head and token.
    expect(eager("megatron")).toBeCloseTo(2 - 4 / 512, 2);
    expect(eager("hf")).toBeCloseTo(6 - 4 / 512, 2);
  });

  test("runs fused norms and gates: 2 x 4 x 4096 and 2 x 11008 B per token and layer less than transformers' own", () => {
    const less = keptPerLayer({ fusedKernels: false }) - keptPerLayer({});
    expect(less / 512).toBeCloseTo(2 * 4 * 4096 + 2 * 11008, -3);
    expect(keptPerLayer({})).toBe(keptPerLayer({ fusedKernels: true }));
  });

  test("divides all of it with the vocabulary: 6 / 4 B per logit over four ranks", () => {
    expect(more({ parallel: { tp: 4 } }, "forward")).toBeCloseTo(6 / 4, 3);
  });
});

describe("between micro-batches", () => {
  const full: TrainRequest = { precision: "bf16", seqTokens: 512, parallel: { dp: 8, sharding: "fsdp" } };
  const gradients = (request: TrainRequest): number =>
    term(train(llama, { ...full, ...request }), "loss-backward", "gradients") / P;

  test("Hugging Face's FSDP holds whole gradients, 2 B per weight; torchtitan reduces them every time, 2/8 B", () => {
    expect(gradients({ gradAccum: 4 })).toBeCloseTo(2, 2);
    expect(gradients({ gradAccum: 4, framework: "fsdp" })).toBeCloseTo(0.25, 2);
    expect(gradients({ gradAccum: 1 })).toBe(0);
  });
});

describe("the allocator's cache", () => {
  const varied: TrainRequest = {
    method: "lora",
    precision: "amp-bf16",
    microBatch: 8,
    seqTokens: 2048,
    checkpointing: "full",
    lengths: "varied",
  };

  test("never counts beyond the card: 40 GB less 500 MiB of context is all that 8 x 2048 tokens can reserve", () => {
    const free = train(llama, varied).totals;
    const limited = train(llama, { ...varied, deviceBytes: 40e9 }).totals;
    expect(free.reserved.bytes).toBeGreaterThan(40e9);
    expect(limited.reserved.bytes).toBeLessThanOrEqual(40e9 - 500 * 2 ** 20);
    expect(limited.reserved.bytes).toBeGreaterThan(limited.allocated.bytes);
    expect(limited.allocated).toEqual(free.allocated);
  });

  test("GPTQ models are not widened by PEFT's preparation, NF4 ones are: 2 B per weight of embedding and head", () => {
    const weights = (quantization: "int4-g128" | "nf4-dq", kbitPreparation: boolean): number =>
      term(
        train(llama, { method: "qlora", quantization, kbitPreparation, seqTokens: 512 }),
        "forward",
        "weights",
      );
    const unset = train(llama, { method: "qlora", quantization: "int4-g128", seqTokens: 512 });
    expect(term(unset, "forward", "weights")).toBe(weights("int4-g128", false));
    const norms = 65 * 4096 * 2;
    expect(weights("nf4-dq", true) - weights("nf4-dq", false)).toBe(2 * HEAD * 2 + norms);
  });
});

describe("a reference model", () => {
  const full: TrainRequest = { precision: "bf16", loss: "dpo", seqTokens: 512 };
  const weights = (request: TrainRequest): number =>
    term(train(llama, { ...full, ...request }), "loss-backward", "weights") / P;

  test("lies beside a fully trained one, 2 + 2 B per weight, unless its log-probabilities were computed before", () => {
    expect(weights({})).toBeCloseTo(4, 3);
    expect(weights({ reference: "precomputed" })).toBeCloseTo(2, 3);
    expect(weights({ precision: "amp-bf16", parallel: { dp: 8, sharding: "zero3" } })).toBeCloseTo(4 / 8, 3);
  });

  test("is the base with its adapters switched off under LoRA: 2 B per weight", () => {
    expect(weights({ method: "lora" })).toBeCloseTo(2, 3);
  });
});
