/** The library as JavaScript calls it: any name and any value may come, and none is ignored. */
import { describe, expect, test } from "vitest";
import * as library from "../src/index.ts";
import { shown } from "../src/known-options.ts";
import { loadModel } from "../src/sources.ts";

const { VramCalcError } = library;
const named = (name: string) => library.catalogueArchitecture(library.findCatalogueEntry(name)!.entry);
const model = named("llama-3.1-8b");
const vision = named("qwen2.5-vl-7b");
const { estimate, train, fit, fitTraining, advise, checkBudget, trainReliefs, longestContext, largestBatch } =
  library as unknown as Record<string, (...args: unknown[]) => unknown>;
const limit = { budgetBytes: 24e9 };

function refusal(ask: () => unknown): InstanceType<typeof VramCalcError> {
  try {
    ask();
  } catch (error) {
    if (error instanceof VramCalcError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** What is asked, and the one sentence that answers. */
const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "the name of the flag",
    () => estimate!(model, { context: 8192 }),
    /unknown option of estimate "context": did you mean contextTokens\?/,
  ],
  ["a slip of the pen", () => estimate!(model, { kvDtpye: "fp8" }), /"kvDtpye": did you mean kvDtype/],
  ["a name of Object.prototype", () => estimate!(model, { toString: "x" }), /of estimate "toString"/],
  ["snake case", () => train!(model, { micro_batch: 4 }), /of train "micro_batch": did you mean microBatch/],
  ["a degree outside", () => train!(model, { tp: 2 }), /unknown option of train "tp"\. .*parallel/],
  ["inside", () => train!(model, { parallel: { zero: 3 } }), /unknown option of parallel "zero"/],
  [
    "inside a card",
    () => estimate!(model, { card: { bytes: 8e9 } }),
    /of card "bytes": did you mean totalBytes/,
  ],
  ["inside fit", () => fit!({ model, options: { ctx: 1 }, ...limit }, "batch"), /of estimate "ctx"/],
  [
    "of fit",
    () => fit!({ model, options: {}, budget: 24e9 }, "batch"),
    /of fit "budget": did you mean budgetBytes/,
  ],
  ["no limit", () => fit!({ model, options: {} }, "batch"), /budgetBytes got undefined/],
  [
    "text for a limit",
    () => fit!({ model, options: {}, budgetBytes: "24GB" }, "batch"),
    /budgetBytes got "24GB"/,
  ],
  ["NaN for a limit", () => longestContext!({ model, options: {}, budgetBytes: Number.NaN }), /got NaN/],
  ["a negative limit", () => largestBatch!({ model, options: {}, budgetBytes: -1 }), /budgetBytes got -1/],
  [
    "an unknown of fit",
    () => fit!({ model, options: {}, ...limit }, "ctx"),
    /got "ctx", expected context, batch/,
  ],
  [
    "an unknown of training",
    () => fitTraining!({ model, request: {}, ...limit }),
    /expected gpus, micro-batch/,
  ],
  [
    "a limit of advice",
    () => advise!(model, {}, "24GB"),
    /budgetBytes got "24GB", expected a number of bytes/,
  ],
  ["a bare limit", () => checkBudget!(library.estimate(model), 24e9), /limit\.bytes got undefined/],
  [
    "a bare total",
    () => checkBudget!(library.estimate(model).total, { bytes: 1 }),
    /total\.bytes got undefined/,
  ],
  [
    "text for a count",
    () => estimate!(model, { contextTokens: "8k" }),
    /contextTokens got "8k", .*type number/,
  ],
  [
    "text for a switch",
    () => estimate!(model, { weightsOnly: "no" }),
    /weightsOnly got "no", .*type boolean/,
  ],
  ["null for nothing", () => estimate!(model, { dtype: null }), /dtype got null/],
  [
    "a card's name",
    () => estimate!(model, { card: "h100" }),
    /card got "h100", expected a value of type object/,
  ],
  ["options that are none", () => estimate!(model, "q4_k_m"), /options of estimate got "q4_k_m"/],
  [
    "adapters without a rank",
    () => estimate!(model, { lora: { count: 1, targets: "attention" } }),
    /rank got undef/,
  ],
  [
    "no adapter",
    () => estimate!(model, { lora: { rank: 8, count: 0, targets: "attention" } }),
    /--lora n got 0/,
  ],
  ["cards", () => estimate!(model, { devices: 2.5 }), /devices got 2\.5, expected a whole number from 1/],
  [
    "an attention",
    () => estimate!(model, { attention: "fast" }),
    /attention got "fast", expected flash, sdpa, eager/,
  ],
  [
    "a packed format",
    () => train!(model, { method: "qlora", quantization: "nf8" }),
    /--quantization "nf8".*nf4/,
  ],
  [
    "adapters' format",
    () => train!(model, { method: "lora", adapterFormat: "float32" }),
    /--adapter-dtype "float32"/,
  ],
  [
    "a name for a model",
    () => estimate!("llama-3.1-8b"),
    /model got "llama-3.1-8b", expected an architecture/,
  ],
  [
    "what loadModel gives",
    () => train!({ architecture: model }),
    /of what loadModel gives, its architecture/,
  ],
  ["a draft's name", () => estimate!(model, { draft: { id: "x", model: "x" } }), /model got "x"/],
  ["reliefs", () => trainReliefs!(model, { seq: 1 }), /of train "seq": did you mean seqTokens/],
  ["adapters", () => library.loraLinears(model, { r: 8 } as never), /unknown option of loraLinears "r"/],
  ["lengths", () => library.batchLengths(model, { lengths: [1] } as never), /format got undefined/],
  ["a merge", () => library.mergeWeight({ format: "bf16", weight: 1 } as never), /update got undefined/],
  ["a unit", () => library.formatBytes(1, "GiB" as never), /unit got undefined, expected GB, GiB/],
  [
    "more bytes than whole numbers count",
    () => estimate!(model, { contextTokens: 2 ** 40, batch: 2 ** 40 }),
    /the request got 1\.6e\+29 bytes, expected less than 2\^53 on a device/,
  ],
  [
    "the same in training",
    () => train!(model, { seqTokens: 2 ** 40, microBatch: 2 ** 30 }),
    /less than 2\^53/,
  ],
];

describe("options that are refused", () => {
  test.for(REFUSED)("%s", ([, ask, message]) => {
    const { message: said, exitCode } = refusal(ask);
    expect(said).toMatch(message);
    expect(said).toMatch(/^.{10,600}[.?!]$/);
    expect(exitCode).toBe(2);
  });

  test("loadModel: an option that there is not, and what is no text", async () => {
    const load = loadModel as (...args: unknown[]) => Promise<unknown>;
    await expect(load("14B", { family: "llama" })).rejects.toThrow(
      /of loadModel "family": did you mean assumeFamily/,
    );
    await expect(load({ model_type: "llama" })).rejects.toThrow(/model got an object.*readArchitecture/);
  });

  test("undefined is an option that is not given", () => {
    const plain = library.estimate(model);
    expect(estimate!(model, { dtype: undefined, card: undefined, weightsOnly: undefined })).toEqual(plain);
    expect(train!(model, { method: undefined, parallel: undefined })).toEqual(library.train(model));
  });

  test("a config without a file's name is called config.json", () => {
    expect(() => library.readArchitecture({})).toThrow(/^config\.json: /);
  });
});

/** Options of all kinds, and what JavaScript may put there. */
const OPTIONS = {
  estimate:
    "dtype kvDtype calibratedKv contextTokens batch weightsOnly engine tp pp ep dp devices card engineOptions attention padded lora draft mtp projectorFile images",
  train:
    "method precision seqTokens microBatch gradAccum optimizer optimizerInBackward optimizerRank checkpointing attention loss lossChunks holdLogits framework torch lengths compile fusedKernels loraRank loraTargets loraDropout adapterFormat baseFormat dora rslora quantization kbitPreparation unfrozenLayers reference towers contextBytes deviceBytes parallel",
} as const;
const VALUES = [
  null,
  Number.NaN,
  -1,
  0,
  1.5,
  "x",
  "8192",
  {},
  [],
  [1],
  true,
  Number.POSITIVE_INFINITY,
  2 ** 60,
  () => 1,
  "constructor",
  10n,
  Symbol("s"),
];

describe("any value for any option is refused in one sentence, or the answer is sound", () => {
  const sound = (ask: () => { readonly total: { readonly bytes: number } }): void => {
    try {
      expect(Number.isSafeInteger(ask().total.bytes)).toBe(true);
    } catch (error) {
      if (!(error instanceof VramCalcError)) throw error;
      expect(error.message).toMatch(/^.{10,600}[.?!]$/);
    }
  };
  test.for(OPTIONS.estimate.split(" "))("estimate %s", (option) => {
    for (const value of VALUES)
      sound(() => library.estimate(option === "images" ? vision : model, { [option]: value } as never));
  });
  test.for(OPTIONS.train.split(" "))("train %s", (option) => {
    for (const method of ["lora", "qlora", "freeze"])
      for (const value of VALUES) sound(() => library.train(model, { method, [option]: value } as never));
  });
});

test.each([
  [undefined, "undefined"],
  [null, "null"],
  [[1], "a list"],
  [{}, "an object"],
  ["8k", '"8k"'],
  [10n, "10"],
  [Symbol("s"), "Symbol(s)"],
])("%s is said as %s", (value, text) => {
  expect(shown(value)).toBe(text);
});
