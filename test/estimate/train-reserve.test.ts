import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { effectiveTrain } from "../../src/estimate/effective-train.ts";
import { train } from "../../src/estimate/train.ts";
import { trainReliefs } from "../../src/estimate/train-reliefs.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { reserveOfBatches } from "../../src/estimate/train-reserve.ts";
import { trainStages } from "../../src/estimate/train-stages.ts";
import { modelOf, oracleRequest, readVectors, rowsOf } from "./training-vectors.ts";

const VOCABULARY = 131_072;
const SEQ = 4096;
/** One small layer below a large head: nearly all that comes and goes is logits. */
const model = readArchitecture(
  {
    model_type: "llama",
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    vocab_size: VOCABULARY,
    tie_word_embeddings: false,
  },
  "large-head",
);
const request: TrainRequest = {
  method: "lora",
  precision: "bf16",
  seqTokens: SEQ,
  checkpointing: "full",
  attention: "flash",
  lengths: "varied",
};
/** fp32 log-probabilities, their gradient and that of the logits: three tensors of 4 B per logit. */
const LOSS = 12 * SEQ * VOCABULARY;
const beyond = (change: TrainRequest): number => {
  const { totals } = train(model, { ...request, ...change });
  return totals.reserved.bytes - totals.allocated.bytes;
};

describe("batches of changing length", () => {
  test("longest batches of 0.618, 0.854, 0.944 and 1 leave 2.416 x 12 B per logit of segments that are too small", () => {
    expect(beyond({}) / LOSS).toBeGreaterThan(0.618 + 0.854 + 0.944 - 0.05);
    expect(beyond({}) / LOSS).toBeLessThan(0.618 + 0.854 + 0.944 + 0.35);
  });

  test("batches of one length leave none of them", () => {
    expect(beyond({ lengths: "fixed" }) / LOSS).toBeLessThan(0.1);
  });

  test("expandable segments let a freed length serve the next: less than a fifth of 12 B per logit beyond the tensors", () => {
    expect(beyond({ expandableSegments: true }) / LOSS).toBeLessThan(0.2);
    expect(beyond({ framework: "torchtune" })).toBeLessThan(beyond({}) / 8);
    expect(beyond({ framework: "torchtune", expandableSegments: false })).toBeGreaterThan(LOSS);
  });

  test("and are first among what would lower it, by all that they save of the cache", () => {
    const [first] = trainReliefs(model, request);
    expect(first).toMatchObject({ change: { expandableSegments: "on" } });
    expect(first!.savedBytes).toBe(beyond({}) - beyond({ expandableSegments: true }));
    expect(trainReliefs(model, { ...request, lengths: "fixed" }).map((r) => r.change)).not.toContainEqual({
      expandableSegments: "on",
    });
  });

  test("a card of 10 GB takes them back: never more reserved than it has", () => {
    const deviceBytes = 10e9;
    const { totals } = train(model, { ...request, deviceBytes });
    expect(totals.allocated.bytes).toBeLessThan(deviceBytes);
    expect(totals.device.bytes).toBeLessThanOrEqual(deviceBytes);
    expect(totals.device.bytes).toBeGreaterThan(0.85 * deviceBytes);
  });

  test("sharded runs are not simulated and keep the formula in sizes", () => {
    const { totals } = train(model, { ...request, parallel: { dp: 2, sharding: "fsdp" } });
    expect(totals.reserved.bytes).toBeGreaterThan(totals.allocated.bytes);
  });
});

describe("the simulated run and the estimate are two ways to one peak", () => {
  const table = readVectors("training-oracle.json");
  // Long lists of small blocks take long: every eighth row, those of more than 10 billion parameters left aside.
  const rows = rowsOf(table).filter((row, index) => index % 8 === 0 && (row.weights as number) < 20e9);

  test.for(
    rows.map((row) => [`${row.model} ${row.method} ${row.microBatch}x${row.seqTokens}`, row] as const),
  )(
    "%s: four equal batches hold what the moments say, and at most 2.5 %% more that rounding keeps",
    ([, row]) => {
      const model = modelOf(table, row.model as string);
      const effective = effectiveTrain(model, oracleRequest(row));
      const [stage] = trainStages(model, effective);
      const run = { stage: stage!, whole: model, effective, shares: [1, 1, 1, 1], limit: null };
      const simulated = reserveOfBatches(run);
      if (simulated === null) {
        expect(["selective", "offload", 2, 4]).toContain(effective.checkpointing);
        return;
      }
      const { allocated } = train(model, oracleRequest(row)).totals;
      expect(simulated.allocated / allocated.bytes).toBeGreaterThan(0.999);
      expect(simulated.allocated / allocated.bytes).toBeLessThan(1.025);
      expect(simulated.bytes).toBeGreaterThanOrEqual(simulated.allocated);
    },
  );
});

describe("a card that is full", () => {
  const MIB = 2 ** 20;
  const CONTEXT = 500 * MIB;
  const CUBLAS = 20 * MIB;
  const fixed: TrainRequest = { ...request, lengths: "fixed", checkpointing: "none" };
  const free = train(model, fixed);
  const on = (deviceBytes: number): ReturnType<typeof train> => train(model, { ...fixed, deviceBytes });
  const tensors = free.totals.allocated.bytes + CUBLAS + CONTEXT;
  const codes = (result: ReturnType<typeof train>): readonly string[] => result.notes.map((n) => n.code);

  test("that holds the tensors holds the step: the cache takes the 50 MiB that are left, and a note says so", () => {
    const result = on(tensors + 50 * MIB);
    expect(free.total.bytes).toBeGreaterThan(tensors + 50 * MIB);
    expect(result.total.bytes).toBe(tensors + 50 * MIB);
    expect(codes(result)).toContain("cache-ends-with-card");
  });

  test("that lacks one byte for the tensors needs what any card needs", () => {
    expect(on(tensors).total.bytes).toBe(tensors);
    expect(on(tensors - 1).total.bytes).toBe(free.total.bytes);
    expect(codes(on(tensors - 1))).not.toContain("cache-ends-with-card");
  });

  test("that has room for the cache changes nothing", () => {
    const result = on(2 * free.total.bytes);
    expect(result.total.bytes).toBe(free.total.bytes);
    expect(codes(result)).not.toContain("cache-ends-with-card");
  });
});

describe("Baichuan 2's head", () => {
  /** The sizes of Baichuan2-7B. */
  const baichuan = readArchitecture(
    {
      model_type: "baichuan",
      hidden_size: 4096,
      intermediate_size: 11_008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      vocab_size: 125_696,
      tie_word_embeddings: false,
    },
    "baichuan2-7b",
  );

  test("is normalized in every pass: 125,696 x 4096 x 2 B = 1.03 GB more at the start of backward than a plain one's", () => {
    const lora: TrainRequest = {
      method: "lora",
      precision: "bf16",
      seqTokens: 512,
      checkpointing: "full",
      loraTargets: "all-linear",
    };
    const logits = (result: ReturnType<typeof train>): number =>
      result.devices[0]!.phases.find((p) => p.phase === "loss-backward")!.terms.find(
        (t) => t.id === "logits",
      )!.bytes;
    const plain = readArchitecture(
      {
        model_type: "llama",
        hidden_size: 4096,
        intermediate_size: 11_008,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        vocab_size: 125_696,
        tie_word_embeddings: false,
      },
      "plain",
    );
    expect(logits(train(baichuan, lora)) - logits(train(plain, lora))).toBe(125_696 * 4096 * 2);
  });
});
