/** Several devices: who holds what, and what only they need. */
import { describe, expect, test } from "vitest";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { named, VISION } from "./estimate-models.ts";

const llama = named("llama-3.1-8b");
const draft = { id: "qwen2.5-0.5b", model: named("qwen2.5-0.5b") };
const ids = (options: EstimateOptions, model = llama): readonly string[][] =>
  estimate(model, options).devices.map(({ terms }) =>
    terms.map(({ id, label }) => (label === undefined ? id : `${label} ${id}`)),
  );

describe("communication", () => {
  test.for([
    ["one device", {}, false],
    ["replicas that share nothing", { dp: 4 }, false],
    ["tensor ranks", { tp: 2 }, true],
    ["stages", { pp: 2 }, true],
    ["weights only", { tp: 2, weightsOnly: true }, false],
    ["sglang on one device", { engine: "sglang" }, false],
    ["transformers on one device", { engine: "transformers" }, false],
    ["transformers on replicas", { engine: "transformers", dp: 2 }, false],
    ["sglang on two ranks", { engine: "sglang", tp: 2 }, true],
  ] as const)("%s", ([, options, there]) => {
    for (const terms of ids(options)) expect(terms.includes("communication")).toBe(there);
  });

  test("replicas that spread experts talk", () => {
    expect(ids({ dp: 2, ep: 2 }, named("mixtral-8x7b"))[0]).toContain("communication");
  });
});

describe("bands", () => {
  test.for([{}, { tp: 2 }, { pp: 4 }, { tp: 2, pp: 2, dp: 2 }, { draft }, { tp: 2, draft }] as const)(
    "%o: low <= bytes <= high and never wider than half to double",
    (options) => {
      for (const { total, terms } of estimate(llama, options).devices) {
        expect(total.low).toBeLessThanOrEqual(total.bytes);
        expect(total.high).toBeGreaterThanOrEqual(total.bytes);
        expect(total.low).toBeGreaterThan(total.bytes / 2);
        expect(total.high).toBeLessThan(total.bytes * 2);
        for (const term of terms) {
          expect(term.low <= term.bytes && term.bytes <= term.high).toBe(true);
          expect([term.low, term.bytes, term.high].every(Number.isSafeInteger)).toBe(true);
        }
      }
    },
  );
});

describe("stages", () => {
  test("only the last makes logits", () => {
    expect(ids({ pp: 3 }).map((terms) => terms.includes("logits"))).toEqual([false, false, true]);
  });

  test("a draft model lies on the last, on every GPU under llama.cpp", () => {
    expect(ids({ pp: 2, draft }).map((terms) => terms.includes("draft weights"))).toEqual([false, true]);
    expect(
      ids({ pp: 2, engine: "llama.cpp", draft }).map((terms) => terms.includes("draft weights")),
    ).toEqual([true, true]);
  });

  test("prediction layers lie on the last, images on the first", () => {
    expect(
      ids({ pp: 4, mtp: 1 }, named("deepseek-v3")).map((terms) => terms.includes("mtp weights")),
    ).toEqual([false, false, false, true]);
    expect(
      ids({ pp: 2, images: { count: 1 } }, VISION["qwen2.5-vl-3b"]!).map((terms) =>
        terms.includes("images activations"),
      ),
    ).toEqual([true, false]);
  });
});

describe("a draft model", () => {
  const at = (options: EstimateOptions) => estimate(named("qwen2.5-7b"), options);

  test("qwen2.5-0.5b at 4096 tokens: 494,032,768 x 2 B and 4096 x 24 x 2 x 2 x 64 x 2 B of cache", () => {
    const extra = at({ draft }).devices[0]!.terms.filter((term) => term.label === "draft");
    expect(extra.map(({ id, bytes }) => [id, bytes])).toEqual([
      ["weights", 494_032_768 * 2],
      ["kv-cache", 4096 * 24 * 2 * 2 * 64 * 2],
    ]);
  });

  test("its format is its own, its cache follows the model's", () => {
    const { devices, request } = at({ draft: { ...draft, dtype: "q8_0" }, kvDtype: "q8_0", batch: 3 });
    const cache = devices[0]!.terms.find((term) => term.label === "draft" && term.id === "kv-cache")!;
    // A vector of 64 is two blocks of 34 B.
    expect(cache.bytes).toBe(3 * 4096 * 24 * 2 * 2 * 68);
    expect(request).toMatchObject({ draft: "qwen2.5-0.5b", draftDtype: "q8_0", dtype: "bf16" });
  });

  test("divided by ranks that its 14 heads allow, else whole on each with a note", () => {
    const bytes = (tp: number): number =>
      at({ tp, draft }).devices[0]!.terms.find((t) => t.label === "draft" && t.id === "weights")!.bytes;
    const codes = (tp: number): string[] => at({ tp, draft }).notes.map((note) => note.code);
    expect(bytes(2)).toBeLessThan(bytes(1) * 0.6);
    expect(bytes(4)).toBe(bytes(1));
    expect(codes(2)).not.toContain("draft-not-divided");
    expect(codes(4)).toContain("draft-not-divided");
  });

  test("vLLM's pool makes room for it: as many blocks fewer as its bytes hold", () => {
    const card = { totalBytes: 79 * 2 ** 30, generation: "hopper" };
    const alone = at({ engine: "vllm", card }).devices[0]!;
    const beside = at({ engine: "vllm", card, draft }).devices[0]!;
    const extra = beside.terms.reduce((sum, t) => (t.label === "draft" ? sum + t.bytes : sum), 0);
    const fewer = (alone.pool!.blocks - beside.pool!.blocks) * alone.pool!.bytesPerBlock;
    expect(Math.abs(fewer - extra)).toBeLessThanOrEqual(alone.pool!.bytesPerBlock);
  });

  test("another vocabulary is said", () => {
    const other = { id: "llama-2-7b", model: named("llama-2-7b") };
    expect(at({ draft: other }).notes.map((note) => note.code)).toContain("draft-vocabulary");
  });
});

describe("what a model or an engine does not have", () => {
  test.for([
    ["--mtp got a llama model, expected a model with multi-token-prediction layers", llama, { mtp: 1 }],
    ["--mtp got --engine llama.cpp, expected generic", named("deepseek-v3"), { mtp: 1, engine: "llama.cpp" }],
    ["--mtp got --engine transformers", named("deepseek-v3"), { mtp: 1, engine: "transformers" }],
    ["--mtp got 0, expected a number of proposed tokens", named("deepseek-v3"), { mtp: 0 }],
    ["--mtp got 1.5", named("deepseek-v3"), { mtp: 1.5 }],
    ["--images got a llama model, expected a model with a vision tower", llama, { images: { count: 1 } }],
    ['--images got "0"', VISION["gemma-3-4b"]!, { images: { count: 0 } }],
    ['--images got "1@5xundefined"', VISION["gemma-3-4b"]!, { images: { count: 1, width: 5 } }],
  ] as const)("%s", ([message, model, options]) => {
    expect(() => estimate(model, options)).toThrow(message);
  });
});

describe("images", () => {
  const model = VISION["qwen2.5-vl-3b"]!;
  const images = { count: 2, width: 1280, height: 720 };

  test("their tokens add to the context asked for, 1000 + 2 x 1196", () => {
    expect(estimate(model, { contextTokens: 1000, images }).request.context).toBe(3392);
  });

  test("without a context asked for, the default makes room up to the model's end", () => {
    expect(estimate(model, { images }).request.context).toBe(4096 + 2392);
    expect(estimate(VISION["llava-1.5-7b"]!, { images: { count: 1 } }).request.context).toBe(4096);
  });

  test("a size that was taken is said, one that was given or does not matter is not", () => {
    const codes = (options: EstimateOptions, of = model): string[] =>
      estimate(of, options).notes.map((note) => note.code);
    expect(codes({ images: { count: 1 } })).toContain("image-size-assumed");
    expect(codes({ images })).not.toContain("image-size-assumed");
    expect(codes({ images: { count: 1 } }, VISION["gemma-3-4b"]!)).not.toContain("image-size-assumed");
  });
});
