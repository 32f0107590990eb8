import { describe, expect, test } from "vitest";
import { formatByName } from "../../src/formats/format-names.ts";
import { predictionCache, predictionWeights } from "../../src/memory/prediction-layers.ts";
import { uniformStorage } from "../../src/quantization/storage.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { bf16Cache } from "../engines/cache-formats.ts";
import { named } from "../estimate/estimate-models.ts";

const model = named("deepseek-v3");
const bf16 = uniformStorage(formatByName("bf16"));
/** An embedding and a head of 129,280 x 7168 repeated in the layer. */
const COPIES = 2 * 129_280 * 7168;

describe("prediction layers", () => {
  test("DeepSeek-V3: a layer, norms and projection in 2 B, less the copies at the low edge", () => {
    const term = predictionWeights(model, bf16)!;
    expect(term).toMatchObject({ id: "weights", label: "mtp", basis: "modelled" });
    // 256 router biases stay in 4 B.
    expect(term.bytes).toBe(2 * model.parameters.mtp + 256 * 2);
    expect(term.high).toBe(term.bytes);
    expect(Math.abs(term.low - 2 * (model.parameters.mtp - COPIES))).toBeLessThanOrEqual(512);
  });

  test("a scheme counts its own bytes: the file with them less the file without", () => {
    const storage = storageByName("fp8");
    const { bytes } = predictionWeights(model, storage)!;
    expect(bytes).toBe(storage.fileBytesOf!(model) - storage.bytesOf(model));
    expect(bytes).toBeGreaterThan(model.parameters.mtp - COPIES);
    expect(bytes).toBeLessThan(2 * model.parameters.mtp);
  });

  test("cache: 4096 tokens x 1 layer x (512 + 64) x 2 B", () => {
    const terms = predictionCache(model, { contextTokens: 4096, sequences: 3, format: bf16Cache });
    expect(terms).toMatchObject([{ id: "kv-cache", label: "mtp", bytes: 3 * 4096 * 576 * 2 }]);
  });

  test("none in a model without them", () => {
    expect(predictionWeights(named("llama-3.1-8b"), bf16)).toBeNull();
  });
});
