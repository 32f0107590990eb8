import { describe, expect, test } from "vitest";
import { explainTerm } from "../../src/memory/term.ts";
import { weights } from "../../src/memory/weights.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { modelOf } from "../quantization/model-configs.ts";

const llama = modelOf("Llama-3.1-8B-Instruct");
const explained = (dtype: string): string => explainTerm(weights(llama, storageByName(dtype)));

/** The sum on the left of "=", redone. */
function redone(text: string): number {
  const [left = ""] = text.split(" = ");
  return left.split(" + ").reduce((sum, part) => {
    const numbers = part.replaceAll(",", "").replace(/^[a-z][\w.-]* /, "");
    const blocks = /^(\d+)(?: \/ (\d+))? x ([\d.]+) B$/.exec(numbers);
    if (blocks !== null) return sum + (Number(blocks[1]) / Number(blocks[2] ?? 1)) * Number(blocks[3]);
    return sum + Number(/^(\d+) B /.exec(numbers)![1]);
  }, 0);
}

describe("the formula of the weights is a sum that can be redone by hand", () => {
  test.each(["bf16", "int8", "fp8", "int4", "awq", "nf4-dq", "q4_k_m", "iq3_m", "q2_k", "exl2-4bpw"])(
    "%s",
    (dtype) => {
      const { bytes } = weights(llama, storageByName(dtype));
      expect(redone(explained(dtype))).toBe(bytes);
    },
  );

  test("q4_k_m: blocks of two formats, norms in fp32, and the rotary factors besides", () => {
    expect(explained("q4_k_m")).toBe(
      "q4_k 6,498,025,472 / 256 x 144 B + q6_k 1,531,969,536 / 256 x 210 B + fp32 266,240 x 4 B" +
        " + 256 B besides = 4,912,898,304 B",
    );
  });
});
