import { describe, expect, test } from "vitest";
import { ggufFileBytes } from "../../src/quantization/gguf/gguf-file.ts";
import type { TokenizerKind } from "../../src/quantization/gguf/tokenizer-metadata.ts";
import vectors from "../vectors/quantization-gguf.json" with { type: "json" };
import { modelOf } from "./model-configs.ts";

const fileName = (type: string): string => (/^(B?F16|F32)$/.test(type) ? `gguf-${type}` : type);

describe("llama.cpp file types of Llama 3.1 8B", () => {
  const model = modelOf("Llama-3.1-8B-Instruct");
  const weights = 8_030_261_248 + 64;

  test.each(vectors.bitsPerWeight.rows as [string, number][])("%s has %d bits per weight", (type, bits) => {
    const { tensorBytes } = ggufFileBytes(model, fileName(type));
    expect(((8 * tensorBytes) / weights).toFixed(4)).toBe(bits.toFixed(4));
  });

  test.each(vectors.tensorBytes.rows as [string, number][])("%s tensors take %d B", (type, bytes) => {
    expect(ggufFileBytes(model, fileName(type)).tensorBytes).toBe(bytes);
  });
});

describe("published GGUF files from their configs", () => {
  test.each(vectors.files.rows.filter((row) => row.tensorBytes !== null))(
    "$model $type: tensors $tensorBytes B, file $fileBytes B within 0.5 %",
    (row) => {
      const got = ggufFileBytes(modelOf(row.model), row.type, {
        ...(row.tokenizer === undefined ? {} : { tokenizer: row.tokenizer as TokenizerKind }),
        ...(row.outputTensor === undefined ? {} : { outputTensor: row.outputTensor }),
      });
      expect(got.tensorBytes).toBe(row.tensorBytes);
      expect(Math.abs(got.fileBytes / row.fileBytes - 1)).toBeLessThan(0.005);
    },
  );

  test.each(vectors.files.rows.filter((row) => row.tensorBytes === null))(
    "$model $type: file $fileBytes B within 0.5 % ($note)",
    (row) => {
      const got = ggufFileBytes(modelOf(row.model), row.type);
      expect(Math.abs(got.fileBytes / row.fileBytes - 1)).toBeLessThan(0.005);
    },
  );
});
