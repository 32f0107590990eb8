import { expect, test } from "vitest";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { namedFormatNote } from "../../src/sources/named-format.ts";

test.each([
  ["nvidia__DeepSeek-V3-0324-NVFP4.json", "nvfp4"],
  ["/models/Llama-3.1-70B-Instruct-FP8/config.json", "fp8"],
  ["gpt-x-MXFP4", "mxfp4"],
  ["Qwen2-7B-Instruct-AWQ/", "awq"],
  ["Qwen2-7B-Instruct-GPTQ-Int4", "gptq"],
  ["Llama-3-8B-4bit", "awq"],
  ["Llama-3.1-8B-FP8-dynamic", "fp8"],
])("%s: a format that the name tells, %s", (path, dtype) => {
  expect(namedFormatNote(path)?.details).toEqual({ dtype });
  expect(() => storageByName(dtype)).not.toThrow();
});

test.each([
  "config.json",
  "Llama-3.1-8B",
  "awqward-model",
  "standard input",
  "/fp8/models/plain/config.json",
])("%s tells none", (path) => {
  expect(namedFormatNote(path)).toBeNull();
});
