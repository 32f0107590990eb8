import { describe, expect, test } from "vitest";
import { ENGINE_IDS } from "../../src/engines/engine.ts";
import { engines, estimate, estimatorOf, typicalArchitecture } from "../../src/index.ts";

const model = typicalArchitecture(7e9);
const each = {
  vllm: engines.vllm,
  sglang: engines.sglang,
  transformers: engines.transformers,
  "llama.cpp": engines.llamaCpp,
};

describe("an estimator of chosen engines", () => {
  test.for(ENGINE_IDS)("answers for %s what the whole one does", (engine) => {
    const options = { engine, contextTokens: 2048 };
    expect(estimatorOf({ engines: { [engine]: each[engine] } })(model, options)).toEqual(
      estimate(model, options),
    );
  });

  test("answers without an engine, and of none", () => {
    expect(estimatorOf({ engines: {} })(model)).toEqual(estimate(model));
  });

  test("refuses an engine that it was not given, and names those it has", () => {
    const estimateOnVllm = estimatorOf({ engines: { vllm: engines.vllm } });
    expect(() => estimateOnVllm(model, { engine: "sglang" })).toThrow(
      /sglang, which this estimator was not given.*vllm/,
    );
    expect(() => estimatorOf({ engines: {} })(model, { engine: "vllm" })).toThrow(/generic/);
  });
});
