/** Whatever is asked of whatever model, the answer is sound or one sentence; nothing else may come out. */
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { train } from "../../src/estimate/train.ts";
import { trainReliefs } from "../../src/estimate/train-reliefs.ts";
import {
  ATTENTIONS,
  FRAMEWORKS,
  LOSSES,
  METHODS,
  PRECISIONS,
  SCHEDULES,
  SHARDINGS,
  type TrainRequest,
} from "../../src/estimate/train-request.ts";
import { explainTerm, type Term } from "../../src/memory/term.ts";
import { OPTIMIZERS } from "../../src/memory/training/optimizers.ts";
import { cases, fc } from "../properties.ts";
import vectors from "../vectors/parameters-classes.json" with { type: "json" };
import rare from "../vectors/parameters-classes-rare.json" with { type: "json" };
import towers from "../vectors/parameters-classes-towers.json" with { type: "json" };

type Row = { readonly config: unknown };
const configs = [vectors.options, rare.rows, towers.rows].flatMap((rows) => rows as unknown as Row[]);
const built = new Map<number, Architecture>();
function modelAt(index: number): Architecture {
  const model = built.get(index) ?? readArchitecture(configs[index]!.config, "config.json");
  built.set(index, model);
  return model;
}

/** Mostly absent: many options together are mostly refused. */
const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const some = <const T>(...values: readonly T[]) => seldom(fc.constantFrom(...values));
const upTo = (max: number) =>
  fc.option(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max })), { nil: undefined });
const engine = some("vllm", "vllm@0.11", "sglang", "transformers", "llama.cpp", "generic");

const serving = fc.record({
  engine,
  dtype: some(
    "fp32",
    "bf16",
    "fp8",
    "q4_k_m",
    "iq2_xxs",
    "awq",
    "gptq-int8",
    "nf4",
    "mxfp4",
    "nvfp4",
    "int8",
  ),
  kvDtype: some("fp8", "q8_0/q4_0", "fp16", "bf16", "q4_0"),
  contextTokens: upTo(2_000_000),
  batch: upTo(5000),
  tp: some(1, 2, 3, 8),
  pp: some(1, 2, 5),
  ep: some(1, 2, 8),
  dp: some(1, 2, 4),
  attention: some("eager", "sdpa", "flash"),
  padded: some(true),
  weightsOnly: some(true, false),
  mtp: some(1, 3),
  card: some({ totalBytes: 8 * 2 ** 30 }, { totalBytes: 80 * 2 ** 30 }),
  images: some({ count: 2 }, { count: 1, width: 1024, height: 768 }),
});

const training = fc.record({
  method: some(...METHODS),
  precision: some(...PRECISIONS),
  seqTokens: upTo(20_000),
  microBatch: upTo(64),
  gradAccum: some(1, 2, 8),
  optimizerInBackward: some(true, false),
  optimizer: some(...OPTIMIZERS.map(({ id }) => id)),
  baseFormat: some("fp32", "16-bit"),
  checkpointing: some<TrainRequest["checkpointing"]>("none", "full", "selective", "offload", 3, "nth=2"),
  attention: some(...ATTENTIONS),
  loss: some(...LOSSES),
  framework: some(...FRAMEWORKS),
  torch: some("1.10", "1.13", "2.1", "0.4"),
  transformers: some("4.40", "4.46", "4.48", "4.53", "4.57", "5.0", "3.0"),
  reentrantCheckpoints: some(true, false),
  bitsandbytes: some("0.43.1", "0.48"),
  expandableSegments: some(true, false),
  quantization: some("nf4", "nf4-dq", "int8", "int4-g128"),
  kbitPreparation: some(true, false),
  lengths: some("fixed", "varied"),
  compile: some("layers", "all"),
  fusedKernels: some(true, false),
  loraRank: upTo(512),
  loraDropout: some(0, 0.1),
  dora: some(true, false),
  unfrozenLayers: some(1, 2),
  towers: some("left-out", "frozen"),
  parallel: seldom(
    fc.record({
      tp: some(1, 2, 4),
      pp: some(1, 2, 3),
      ep: some(1, 2, 4),
      dp: some(1, 2, 8, 64),
      dpReplicate: some(1, 2, 8),
      reshardAfterForward: some(true, false),
      cp: some(1, 2),
      sequenceParallel: some(true, false),
      sharding: some(...SHARDINGS),
      schedule: some(...SCHEDULES),
      offloadOptimizer: some(true, false),
    }),
  ),
});

/** The options that are given, as a program writes them. */
const given = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

const isBytes = (value: number): boolean => Number.isFinite(value) && value >= 0;

function faultsOf(terms: readonly Term[]): string[] {
  return terms.flatMap((term) => {
    const { id, low, bytes, high } = term;
    const said = explainTerm(term);
    return [
      ...(isBytes(low) && low <= bytes && bytes <= high && Number.isFinite(high)
        ? []
        : [`${id} ${low} ${bytes} ${high}`]),
      ...(/NaN|undefined|Infinity|[{}]/.test(said) ? [`${id}: ${said}`] : []),
    ];
  });
}

/** The result, or undefined where the request was refused in one sentence. */
function answer<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    expect(error.message).toMatch(/^.{10,600}[.?!]$/);
    return undefined;
  }
}

describe("any request on any model", () => {
  const model = fc.nat(configs.length - 1).map(modelAt);

  test("serving", () => {
    let answered = 0;
    fc.assert(
      fc.property(model, serving, (about, options) => {
        const result = answer(() => estimate(about, given(options) as EstimateOptions));
        if (result === undefined) return;
        answered++;
        for (const { terms, total } of result.devices) {
          expect(faultsOf(terms)).toEqual([]);
          expect(terms.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(total.bytes);
          expect(total.low <= total.bytes && total.bytes <= total.high).toBe(true);
        }
        expect(result.total.bytes).toBe(Math.max(...result.devices.map(({ total }) => total.bytes)));
      }),
      { numRuns: cases(1500) },
    );
    expect(answered).toBeGreaterThan(cases(300));
  });

  test("training", () => {
    let answered = 0;
    fc.assert(
      fc.property(model, training, (about, { parallel, ...request }) => {
        const asked = given({ ...request, parallel: parallel === undefined ? undefined : given(parallel) });
        const result = answer(() => train(about, asked as TrainRequest));
        if (result === undefined) return;
        answered++;
        for (const device of result.devices) {
          expect(faultsOf(device.terms)).toEqual([]);
          const { allocated, reserved, total } = device;
          for (const band of [allocated, reserved, total])
            expect(isBytes(band.low) && band.low <= band.bytes && band.bytes <= band.high).toBe(true);
          expect([allocated.bytes, reserved.bytes, total.bytes].toSorted((a, b) => a - b)).toEqual([
            allocated.bytes,
            reserved.bytes,
            total.bytes,
          ]);
        }
        expect(result.devices.map(({ total }) => total.bytes)).toContain(result.total.bytes);
        // What is offered for a request that was answered is answered too.
        for (const { allocatedBytes, savedBytes } of trainReliefs(about, asked as TrainRequest, result))
          expect(isBytes(allocatedBytes) && savedBytes > 0).toBe(true);
      }),
      { numRuns: cases(300) },
    );
    expect(answered).toBeGreaterThan(cases(60));
  });
});
