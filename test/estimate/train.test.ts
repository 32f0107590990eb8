import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import { trainReliefs } from "../../src/estimate/train-reliefs.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { timeLimit } from "../time-limit.ts";

const modelNamed = (name: string): Architecture => catalogueArchitecture(findCatalogueEntry(name)!.entry);
const llama8b = modelNamed("llama-3.1-8b");
const P = 8_030_261_248;

const phase = (result: TrainResult, name: string, device = 0) =>
  result.devices[device]!.phases.find((p) => p.phase === name)!.terms;
const bytes = (result: TrainResult, name: string, id: string, device = 0): number =>
  phase(result, name, device).find((t) => t.id === id)?.bytes ?? 0;

describe("model states", () => {
  // Bytes per parameter: weights, gradients, master weights, optimizer states.
  const CASES: readonly { request: TrainRequest; states: readonly number[]; why: string }[] = [
    { request: { precision: "bf16", optimizer: "adamw" }, states: [2, 2, 0, 4], why: "pure bf16: 8 B" },
    { request: { precision: "fp32", optimizer: "adamw" }, states: [4, 4, 0, 8], why: "fp32: 16 B" },
    { request: { precision: "amp-bf16", optimizer: "adamw" }, states: [4, 4, 0, 8], why: "autocast: 16 B" },
    {
      request: { precision: "bf16-master", optimizer: "adamw" },
      states: [2, 2, 4, 8],
      why: "ZeRO paper: 16 B",
    },
    {
      request: { precision: "bf16", framework: "megatron", optimizer: "adamw" },
      states: [2, 4, 4, 8],
      why: "Megatron accumulates gradients in fp32: 18 B",
    },
    { request: { precision: "bf16", optimizer: "sgd" }, states: [2, 2, 0, 0], why: "no state: 4 B" },
    {
      request: { precision: "bf16", optimizer: "adamw-8bit" },
      states: [2, 2, 0, 2.03125],
      why: "2 + 2 x 4/256",
    },
    {
      request: { precision: "bf16", optimizer: "adamw-4bit" },
      states: [2, 2, 0, 1.0625],
      why: "1 + 2 x 4/128",
    },
    { request: { precision: "bf16", optimizer: "lion" }, states: [2, 2, 0, 2], why: "one state" },
  ];
  test.for(CASES)("$request.precision $request.optimizer: $why", ({ request, states }) => {
    const result = train(llama8b, { ...request, seqTokens: 512 });
    const ids = ["weights", "gradients", "master-weights", "optimizer"];
    ids.forEach((id, i) => {
      // Vectors and tensors below 4096 elements fill blocks of 512 bytes or stay in 32 bits.
      expect(Math.abs(bytes(result, "optimizer-step", id) / P - states[i]!)).toBeLessThan(0.001);
    });
  });
});

test("Llama 3.2 1B in bf16: the tied head's gradient, the embedding's and their sum peak at 10.94 GB, not 4 x 2.47", () => {
  const result = train(modelNamed("llama-3.2-1b"), { precision: "bf16", seqTokens: 512 });
  expect(result.totals.allocated.bytes).toBe(10_937_264_640);
  expect(result.winner).toBe("end-of-backward");
});

describe("sharding, 7.5 B as in the ZeRO paper (arXiv:1910.02054, figure 1): 120 -> 31.4 -> 16.6 -> 1.88 GB on 64", () => {
  const states = (sharding: "none" | "zero1" | "zero2" | "zero3", dpReplicate = 1): number => {
    const result = train(llama8b, {
      precision: "bf16-master",
      optimizer: "adamw-loop",
      seqTokens: 128,
      parallel: { dp: 64, dpReplicate, sharding },
    });
    const ids = ["weights", "gradients", "master-weights", "optimizer"];
    return ids.reduce((sum, id) => sum + bytes(result, "optimizer-step", id), 0) / P;
  };
  const CASES = [
    { sharding: "none", each: 16, why: "2 + 2 + 12" },
    { sharding: "zero1", each: 4 + 12 / 64, why: "4 + 12/64" },
    { sharding: "zero2", each: 2 + 14 / 64, why: "2 + 14/64" },
    { sharding: "zero3", each: 16 / 64, why: "16/64" },
  ] as const;
  test.for(CASES)("$sharding: $why bytes per parameter", ({ sharding, each }) => {
    expect(Math.abs(states(sharding) - each)).toBeLessThan(0.002);
  });

  test("eight copies of the states among 64 ranks are divided over eight each: 16/8, and 4 + 12/8", () => {
    expect(Math.abs(states("zero3", 8) - 16 / 8)).toBeLessThan(0.002);
    expect(Math.abs(states("zero1", 8) - (4 + 12 / 8))).toBeLessThan(0.002);
    expect(states("zero2", 64)).toBe(states("none"));
  });

  test("experts lie on their ranks inside each group: 64 ranks in 16 groups have room for four", () => {
    const request = { parallel: { dp: 64, dpReplicate: 16, ep: 8, sharding: "fsdp2" } } as const;
    expect(() => train(modelNamed("qwen3-30b-a3b"), request)).toThrow(/dp-replicate 16 = 4 ranks of a stage/);
    expect(() => train(llama8b, { parallel: { dp: 64, dpReplicate: 3 } })).toThrow(/a divisor of --dp 64/);
  });
});

describe("pipeline and tensor parallelism", () => {
  const base: TrainRequest = { precision: "bf16", seqTokens: 1024, gradAccum: 8, checkpointing: "none" };
  const pp4 = train(llama8b, { ...base, parallel: { pp: 4 } });

  test("every stage is computed; the first of four holds four micro-batches in flight, the last one", () => {
    expect(pp4.devices.map((d) => d.id)).toEqual(["pp0", "pp1", "pp2", "pp3"]);
    const first = bytes(pp4, "loss-backward", "activations", 0);
    const last = bytes(pp4, "loss-backward", "activations", 3);
    expect(first / last).toBeGreaterThan(3.9);
    expect(first / last).toBeLessThan(4.1);
  });

  test("token ids, 8 B each, are the first stage's alone, whichever stage first simulated a layer", () => {
    const whole = train(llama8b, { seqTokens: 4096, checkpointing: "full", parallel: { pp: 4 } });
    const kept = whole.devices.map((_, d) => bytes(whole, "forward", "activations", d));
    expect(kept[0]! - kept[1]!).toBe(4096 * 8);
    expect(kept[2]).toBe(kept[1]);
  });

  test("only the last stage has logits", () => {
    expect(pp4.devices.map((_, d) => bytes(pp4, "loss-backward", "logits", d) > 0)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test("the verdict is the worst stage", () => {
    expect(pp4.total.bytes).toBe(Math.max(...pp4.devices.map((d) => d.total.bytes)));
  });

  test("GPipe holds all eight micro-batches: 8 / 4 of what 1F1B's first stage holds", () => {
    const gpipe = train(llama8b, { ...base, parallel: { pp: 4, schedule: "gpipe" } });
    const ratio = bytes(gpipe, "loss-backward", "activations") / bytes(pp4, "loss-backward", "activations");
    expect(Math.abs(ratio - 2)).toBeLessThan(0.01);
  });

  test("tp 4 with sequence parallelism keeps a quarter of the activations; without it norms stay whole", () => {
    const one = bytes(train(llama8b, base), "loss-backward", "activations");
    const sp = bytes(train(llama8b, { ...base, parallel: { tp: 4 } }), "loss-backward", "activations");
    const plain = bytes(
      train(llama8b, { ...base, parallel: { tp: 4, sequenceParallel: false } }),
      "loss-backward",
      "activations",
    );
    expect(Math.abs(sp / one - 0.25)).toBeLessThan(0.01);
    expect(plain).toBeGreaterThan(1.3 * sp);
  });

  test("FSDP over 8 in fp32 shards: weights 8,030,261,248 x 4 / 8 = 4.015 GB (3.74 GiB; torchtitan logs 3.77)", () => {
    const result = train(llama8b, {
      precision: "amp-bf16",
      seqTokens: 512,
      parallel: { dp: 8, sharding: "fsdp2" },
    });
    expect(Math.abs(bytes(result, "optimizer-step", "weights") - (P * 4) / 8)).toBeLessThan(100_000);
  });

  test("not resharding after forward keeps 2 x 31 layers x 218,112,000 B more: torchtitan measured 12.59 GiB", () => {
    const run = (reshardAfterForward: boolean): number =>
      bytes(
        train(llama8b, {
          precision: "amp-bf16",
          seqTokens: 8192,
          parallel: { dp: 8, sharding: "fsdp2", reshardAfterForward },
        }),
        "forward",
        "communication",
      );
    const layer = 218_112_000;
    expect(run(false) - run(true)).toBe(2 * (32 * layer - layer));
    expect(Math.abs((run(false) - run(true)) / 2 ** 30 - 12.59)).toBeLessThan(0.01);
  });

  test("SimpleFSDP's copies run on the computing stream, one pool for all: 40.96 GiB where FSDP2 reserves 47.82 (torchtitan 1881)", () => {
    const reserved = (sharding: "simple-fsdp" | "fsdp2"): number =>
      train(llama8b, {
        framework: "fsdp",
        precision: "amp-bf16",
        seqTokens: 8192,
        checkpointing: "selective",
        optimizer: "adamw-fused",
        parallel: { dp: 8, sharding },
      }).totals.reserved.bytes /
      2 ** 30;
    expect(Math.abs(reserved("simple-fsdp") / 40.96 - 1)).toBeLessThan(0.05);
    expect(Math.abs(reserved("fsdp2") / 47.82 - 1)).toBeLessThan(0.03);
  });

  test("torchtitan's loss over a divided vocabulary: 2 x 8192 x 64,128 x 4 B = 4.2 GB more in backward than undivided halves", () => {
    // Llama 3 with 2 layers, 4 x 2 ranks, stepped through with torch 2.13's fully_shard and parallelize_module on fake
    // tensors: 13.298 GiB when the loss turns back, of which 2.14 are states and checkpoints and 0.203 one gathered layer.
    const two = readArchitecture(
      {
        model_type: "llama",
        hidden_size: 4096,
        intermediate_size: 14_336,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        num_hidden_layers: 2,
        vocab_size: 128_256,
        tie_word_embeddings: false,
      },
      "two layers",
    );
    const result = train(two, {
      framework: "fsdp",
      precision: "amp-bf16",
      seqTokens: 8192,
      checkpointing: "full",
      holdLogits: true,
      optimizer: "adamw-fused",
      parallel: { dp: 4, tp: 2, sharding: "fsdp2", sequenceParallel: true },
    });
    const logits = bytes(result, "loss-backward", "logits") / 2 ** 30;
    expect(Math.abs(logits / (13.298 - 2.14 - 0.203) - 1)).toBeLessThan(0.01);
  });

  test("100,000 devices cost what one does", () => {
    const started = performance.now();
    train(llama8b, { precision: "bf16-master", parallel: { tp: 8, pp: 4, dp: 3125, sharding: "zero1" } });
    expect(performance.now() - started).toBeLessThan(timeLimit(250));
  });

  test("degrees that do not divide the heads are refused", () => {
    expect(() => train(llama8b, { parallel: { tp: 3 } })).toThrow(/32 query heads/);
  });
});

describe("what changes a step", () => {
  const base: TrainRequest = { precision: "bf16", seqTokens: 2048, optimizer: "adamw-fused" };
  const peak = (request: TrainRequest): number => train(llama8b, request).totals.allocated.bytes;

  test("longer sequences, larger batches and eager attention never need less", () => {
    let before = 0;
    for (const seqTokens of [128, 512, 2048, 8192]) {
      const now = peak({ ...base, seqTokens });
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    expect(peak({ ...base, microBatch: 4 })).toBeGreaterThan(peak({ ...base, microBatch: 2 }));
    expect(peak({ ...base, seqTokens: 8192, attention: "eager" })).toBeGreaterThan(
      peak({ ...base, seqTokens: 8192 }),
    );
  });

  test("from the second accumulation step on, gradients are there while the loss is computed", () => {
    expect(bytes(train(llama8b, base), "loss-backward", "gradients")).toBe(0);
    expect(bytes(train(llama8b, { ...base, gradAccum: 2 }), "loss-backward", "gradients") / P).toBeCloseTo(
      2,
      3,
    );
  });

  test("freeze trains the last layers only: 2 x 218,112,000 parameters", () => {
    const result = train(llama8b, { ...base, method: "freeze", unfrozenLayers: 2 });
    expect(result.parameters.trainable).toBe(436_224_000);
    expect(bytes(result, "optimizer-step", "gradients")).toBe(872_448_000);
  });

  test("freeze over two stages: the last layers of the model, not of each stage", () => {
    const gradients = (unfrozenLayers: number): readonly number[] =>
      train(llama8b, {
        ...base,
        method: "freeze",
        unfrozenLayers,
        gradAccum: 2,
        parallel: { pp: 2 },
      }).devices.map(
        ({ phases }) =>
          phases.find(({ phase }) => phase === "optimizer-step")!.terms.find(({ id }) => id === "gradients")
            ?.bytes ?? 0,
      );
    expect(gradients(2)).toEqual([0, 872_448_000]);
    // 16 layers on each stage: 2 of the first one, all of the last.
    expect(gradients(18)).toEqual([872_448_000, 16 * 436_224_000]);
  });

  test("freeze of a model that is an encoder: 2 x 12,596,224, its layers are those that read text", () => {
    // 4 x (1024 x 1024 + 1024) + 2 x 1024 x 4096 + 4096 + 1024 + 2 norms x 2048
    expect(4 * (1024 ** 2 + 1024) + 2 * 1024 * 4096 + 4096 + 1024 + 2 * 2048).toBe(12_596_224);
    const result = train(modelNamed("bge-m3"), { method: "freeze", unfrozenLayers: 2 });
    expect(result.parameters.trainable).toBe(25_192_448);
    expect(bytes(result, "optimizer-step", "gradients")).toBe(2 * 25_192_448);
  });

  test("reliefs lower the peak, most first", () => {
    const reliefs = trainReliefs(llama8b, { ...base, seqTokens: 8192 });
    expect(reliefs.length).toBeGreaterThan(2);
    expect(reliefs.every((r) => r.savedBytes > 0)).toBe(true);
    expect(reliefs[0]!.savedBytes).toBeGreaterThanOrEqual(reliefs[1]!.savedBytes);
  });

  test("a base prepared for adapters runs under autocast unless another precision is asked for", () => {
    const precision = (request: TrainRequest): string => train(llama8b, request).request.precision;
    expect(precision({ method: "qlora" })).toBe("amp-bf16");
    expect(precision({ method: "qlora", precision: "bf16" })).toBe("bf16");
    // Nothing of these is cast to fp32 before training.
    expect(precision({ method: "qlora", quantization: "int4-g128" })).toBe("bf16");
    expect(precision({ method: "qlora", framework: "litgpt" })).toBe("bf16");
    expect(precision({ method: "lora" })).toBe("bf16");
  });

  test("reliefs name the precision and the sharding, and nothing below 1 % of the peak", () => {
    const changes = (request: TrainRequest): readonly unknown[] =>
      trainReliefs(llama8b, request).map((r) => r.change);
    expect(changes({ method: "qlora", precision: "bf16" })).toContainEqual({ precision: "amp-bf16" });
    expect(changes({ precision: "fp32" })).toContainEqual({ precision: "bf16" });
    expect(changes({ parallel: { dp: 8 } })).toContainEqual({ sharding: "fsdp2" });
    expect(changes({ parallel: { dp: 8 } })).toContainEqual({ offloadOptimizer: true });
    // Adapters have next to no states; beyond one server the ranks divide them.
    for (const request of [{ method: "lora" }, { parallel: { dp: 16 } }] as const)
      expect(changes(request)).not.toContainEqual({ offloadOptimizer: true });
    for (const request of [{}, { method: "lora" }, { seqTokens: 8192 }] as const) {
      const peak = train(llama8b, request).totals.allocated.bytes;
      for (const relief of trainReliefs(llama8b, request))
        expect(relief.savedBytes).toBeGreaterThanOrEqual(peak / 100);
    }
  });

  test.each([
    { name: "one stage", request: {} },
    { name: "the first stage holds most", request: { parallel: { pp: 8 }, gradAccum: 16 } },
    { name: "the last stage holds most", request: { parallel: { pp: 8 }, gradAccum: 1, microBatch: 4 } },
  ] as const)("a loss that is not offered would not have helped: $name", ({ request }) => {
    const listed = new Set(trainReliefs(llama8b, request).map(({ change }) => change.loss));
    const peak = (changed: TrainRequest): number =>
      Math.max(...train(llama8b, changed).devices.map(({ allocated }) => allocated.bytes));
    for (const loss of ["fused", "chunked-recompute"] as const) {
      const saved = peak(request) - peak({ ...request, loss });
      expect(saved >= peak(request) / 100, loss).toBe(listed.has(loss));
    }
  });

  test("allocated <= reserved <= device, and low <= bytes <= high", () => {
    const { totals } = train(llama8b, base);
    expect(totals.allocated.bytes).toBeLessThanOrEqual(totals.reserved.bytes);
    expect(totals.reserved.bytes).toBeLessThanOrEqual(totals.device.bytes);
    for (const band of Object.values(totals)) {
      expect(band.low).toBeLessThanOrEqual(band.bytes);
      expect(band.bytes).toBeLessThanOrEqual(band.high);
    }
  });

  test("a model that embeds texts makes no logits over its vocabulary: 250,002 columns of them less than with a head", () => {
    const bge = modelNamed("bge-m3");
    const embeds = train(bge, { precision: "bf16", seqTokens: 512 });
    const withHead: Architecture = { ...bge, tied: true };
    const predicts = train(withHead, { precision: "bf16", seqTokens: 512 });
    // Logits in 16 bits, their fp32 copy, logarithms and gradient: at least 12 bytes each.
    expect(predicts.total.bytes - embeds.total.bytes).toBeGreaterThan(512 * bge.vocabSize * 8);
    for (const { id, bytes } of embeds.devices[0]!.phases.flatMap(({ terms }) => terms))
      if (id === "logits") expect(bytes).toBeLessThan(512 * bge.hiddenSize * 20);
    expect(embeds.notes.map(({ code }) => code)).toContain("no-vocabulary-head");
    expect(predicts.notes.map(({ code }) => code)).not.toContain("no-vocabulary-head");
    expect(() => train(bge, { loss: "dpo" })).toThrow(/--loss got dpo and a roberta model without a head/);
  });

  test("impossible requests are refused in one sentence", () => {
    expect(() => train(llama8b, { optimizer: "adamz" })).toThrow(/unknown optimizer "adamz"/);
    expect(() => train(llama8b, { microBatch: 0 })).toThrow(/--micro-batch got 0/);
    expect(() => train(llama8b, { loraRank: 0, method: "lora" })).toThrow(/whole number from 1/);
    expect(() => train(llama8b, { precision: "int8" as "bf16" })).toThrow(/unknown --precision/);
  });
});

test("what chooses the tokens of sparse attention gets no gradient: DeepSeek V3.2's indexers have weights and no states", () => {
  const { devices } = train(modelNamed("deepseek-v3.2"), {
    precision: "bf16",
    seqTokens: 64,
    optimizer: "adamw",
  });
  const at = (id: string): number => devices[0]!.phases.at(-1)!.terms.find((term) => term.id === id)!.bytes;
  // Each of 61: queries 8192 x 1536, keys 128 x 7168 with a norm of 2 x 128, weights 64 x 7168.
  const indexers = 61 * (8192 * 1536 + 128 * 7168 + 2 * 128 + 64 * 7168);
  expect(Math.abs(at("weights") - at("gradients") - 2 * indexers)).toBeLessThan(200_000);
  expect(Math.abs(2 * (at("weights") - 2 * indexers) - at("optimizer"))).toBeLessThan(400_000);
});

describe("towers beside the language model", () => {
  const model = modelNamed("qwen2.5-vl-3b");
  const text = 3_085_938_688;
  const tower = model.parameters.total - text;

  test("frozen ones weigh 2 B per parameter in bf16 and have neither gradients nor states", () => {
    const [without, frozen] = (["left-out", "frozen"] as const).map((towers) => train(model, { towers }));
    const more = (id: string): number =>
      bytes(frozen!, "optimizer-step", id) - bytes(without!, "optimizer-step", id);
    expect(more("weights") / tower).toBeCloseTo(2, 3);
    expect([more("gradients"), more("optimizer")]).toEqual([0, 0]);
    expect(frozen!.parameters).toEqual({ total: text + tower, trainable: text });
  });

  test("QLoRA packs their linears too; no adapter sits on them", () => {
    const [without, frozen] = (["left-out", "frozen"] as const).map((towers) =>
      train(model, { method: "qlora", towers }),
    );
    expect(frozen!.parameters.trainable).toBe(without!.parameters.trainable);
    const more = bytes(frozen!, "forward", "weights") - bytes(without!, "forward", "weights");
    expect(more / tower).toBeGreaterThan(0.5);
    expect(more / tower).toBeLessThan(1);
  });

  test("a model without towers says that the option changes nothing", () => {
    const codes = train(llama8b, { towers: "frozen" }).notes.map(({ code }) => code);
    expect(codes).toContain("idle-option");
  });
});

test("an encoder-decoder runs both: Whisper reads 1,500 positions for 448 tokens of text, T5 as many as it writes", () => {
  const lengths = (name: string, request: TrainRequest = {}) =>
    train(modelNamed(name), request).notes.find(({ code }) => code === "encoder-tokens")?.details;
  expect(lengths("whisper-tiny")).toEqual({ encoder: 1500, decoder: 448 });
  expect(lengths("flan-t5-base", { seqTokens: 512 })).toEqual({ encoder: 512, decoder: 512 });
  expect(lengths("llama-3.2-1b")).toBeUndefined();
  // 4 layers of the encoder keep q, k, v, the attention's output and two MLP tensors of 4h at least: 12 h per position.
  const kept = bytes(train(modelNamed("whisper-tiny")), "forward", "activations");
  expect(kept).toBeGreaterThan(4 * 1500 * 12 * 384 * 2);
});
