import { parseGGUFQuantLabel } from "@huggingface/tasks";
import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { listGgufChoices, pickGgufFile, quantLabel } from "../../../src/sources/hub/gguf-choice.ts";

const file = (path: string, size: number | null = 10) => ({ path, size });

// `ours` where the hub's own reader of labels (@huggingface/tasks) says something else on purpose.
const LABELS: readonly { path: string; label: string | null; ours?: true }[] = [
  { path: "Llama-2-7b-hf-Q4_K_M.gguf", label: "Q4_K_M" },
  { path: "OLMoE-1B-7B-0924-Q3_K_L.gguf", label: "Q3_K_L" },
  { path: "model.Q4_K_M.gguf", label: "Q4_K_M" },
  { path: "Q4_K_M.gguf", label: "Q4_K_M" },
  { path: "ggml-model-q4_0.gguf", label: "Q4_0" },
  { path: "Qwen2.5-7B-Instruct-IQ4_XS.gguf", label: "IQ4_XS" },
  { path: "Model-UD-Q4_K_XL.gguf", label: "UD-Q4_K_XL" },
  { path: "Model-UD-IQ1_S.gguf", label: "UD-IQ1_S" },
  { path: "gpt-oss-20b-mxfp4.gguf", label: "MXFP4" },
  { path: "Model-TQ1_0.gguf", label: "TQ1_0" },
  { path: "Model-BF16.gguf", label: "BF16" },
  { path: "Model-F32-Q2_K.gguf", label: "Q2_K" },
  { path: "Model-7B-v0.1.gguf", label: null },
  { path: "Q8_0/Model-Q8_0-00001-of-00002.gguf", label: "Q8_0" },
  { path: "Model.i1-IQ3_XXS.gguf", label: "i1-IQ3_XXS", ours: true },
  { path: "model-fp16.gguf", label: "F16", ours: true },
  { path: "Model-Q6_K-f16.gguf", label: "Q6_K", ours: true },
  { path: "BF16/Model-00001-of-00002.gguf", label: "BF16", ours: true },
  { path: "Q4_K_M/q8_0-drafts/model.gguf", label: "Q8_0", ours: true },
  { path: "Model-Quant4.gguf", label: null },
];

describe("quantLabel", () => {
  test.for(LABELS)("$path tells $label", ({ path, label }) => {
    expect(quantLabel(path)).toBe(label);
  });

  test.for(LABELS.filter((l) => !l.ours))("$path: the hub's own reader agrees", ({ path, label }) => {
    expect(parseGGUFQuantLabel(path) ?? null).toBe(label);
  });
});

const REPO = [
  file("README.md"),
  file("m-Q4_K_M.gguf", 4_000),
  file("m-Q8_0.gguf", 8_000),
  file("m-UD-Q2_K_XL.gguf", 2_000),
  file("BF16/m-BF16-00002-of-00003.gguf", 200),
  file("BF16/m-BF16-00001-of-00003.gguf", 100),
  file("BF16/m-BF16-00003-of-00003.gguf", 300),
  file("mmproj-F16.gguf"),
  file("imatrix_unsloth.gguf"),
];
const name = "org/name";

function failureOf(pick: () => unknown): VramCalcError {
  try {
    pick();
  } catch (error) {
    expect(error).toBeInstanceOf(VramCalcError);
    return error as VramCalcError;
  }
  return expect.unreachable("nothing was thrown");
}

describe("pickGgufFile", () => {
  const PICKS = [
    { wish: { quant: "Q4_K_M" }, paths: ["m-Q4_K_M.gguf"], totalBytes: 4_000, why: "its name" },
    { wish: { quant: "q8_0" }, paths: ["m-Q8_0.gguf"], totalBytes: 8_000, why: "letter case does not count" },
    {
      wish: { quant: "Q2_K_XL" },
      paths: ["m-UD-Q2_K_XL.gguf"],
      totalBytes: 2_000,
      why: "no plain one is there",
    },
    {
      wish: { quant: "bf16" },
      paths: [1, 2, 3].map((i) => `BF16/m-BF16-0000${i}-of-00003.gguf`),
      totalBytes: 600,
      why: "three pieces in order, 100 + 200 + 300",
    },
    {
      wish: { file: "BF16/m-BF16-00002-of-00003.gguf" },
      paths: [1, 2, 3].map((i) => `BF16/m-BF16-0000${i}-of-00003.gguf`),
      totalBytes: 600,
      why: "any piece stands for the split",
    },
  ];
  test.for(PICKS)("$wish is $paths: $why", ({ wish, paths, totalBytes }) => {
    const choice = pickGgufFile(REPO, { name, ...wish });
    expect(choice.files.map((f) => f.path)).toEqual(paths);
    expect(choice.totalBytes).toBe(totalBytes);
  });

  test("a plain label wins over an uploader's variant of it", () => {
    const files = [file("m-UD-Q4_K_M.gguf"), file("m-Q4_K_M.gguf")];
    expect(pickGgufFile(files, { name, quant: "Q4_K_M" }).files[0]?.path).toBe("m-Q4_K_M.gguf");
    expect(pickGgufFile(files, { name, quant: "ud-q4_k_m" }).files[0]?.path).toBe("m-UD-Q4_K_M.gguf");
  });

  test("the only model of a repository needs no name, and its projector is no second one", () => {
    const files = [file("model.gguf", null), file("model-mmproj.gguf")];
    expect(pickGgufFile(files, { name })).toEqual({
      label: null,
      files: [file("model.gguf", null)],
      totalBytes: null,
    });
  });

  const REFUSALS = [
    {
      title: "several and none named",
      files: REPO,
      wish: {},
      code: "bad-option",
      says: "org/name got no quantization, expected one of :Q4_K_M, :Q8_0, :UD-Q2_K_XL, :BF16 after it.",
    },
    {
      title: "a quantization that is not there",
      files: REPO,
      wish: { quant: "Q4_K_S" },
      code: "unknown-name",
      says: 'unknown quantization in org/name "Q4_K_S": did you mean Q4_K_M',
    },
    {
      title: "the hint lists what is there",
      files: REPO,
      wish: { quant: "zzz" },
      code: "unknown-name",
      says: "It has Q4_K_M, Q8_0, UD-Q2_K_XL, BF16.",
    },
    {
      title: "one label on two models",
      files: [file("a-Q8_0.gguf"), file("b-Q8_0.gguf")],
      wish: { quant: "Q8_0" },
      code: "bad-option",
      says: "org/name got Q8_0, which names 2 models, expected one of :a-Q8_0.gguf, :b-Q8_0.gguf after it.",
    },
    {
      title: "a file that is not there",
      files: REPO,
      wish: { file: "m-Q4_K_L.gguf" },
      code: "unknown-name",
      says: "did you mean m-Q4_K_M.gguf",
    },
    {
      title: "no GGUF at all",
      files: [file("model.safetensors"), file("mmproj.gguf")],
      wish: { quant: "Q8_0" },
      code: "unreadable-path",
      says: "cannot read org/name: it holds no GGUF model; leave out the part after the colon: org/name.",
    },
    {
      title: "a missing piece",
      files: REPO.filter((f) => !f.path.includes("00002")),
      wish: { quant: "BF16" },
      code: "unreadable-path",
      says: "2 of its 3 pieces are there",
    },
    {
      title: "a split of zero pieces",
      files: [file("m-00000-of-00000.gguf")],
      wish: {},
      code: "unreadable-path",
      says: "1 of its 0 pieces",
    },
  ];
  test.for(REFUSALS)("$title: $code, exit code 2", ({ files, wish, code, says }) => {
    const error = failureOf(() => pickGgufFile(files, { name, ...wish }));
    expect(error.message).toContain(says);
    expect([error.code, error.exitCode]).toEqual([code, 2]);
  });

  test("two splits of one stem with different totals are two models", () => {
    const files = [
      file("m-00001-of-00001.gguf"),
      file("m-00001-of-00002.gguf"),
      file("m-00002-of-00002.gguf"),
    ];
    expect(listGgufChoices(files).map((c) => c.files.length)).toEqual([1, 2]);
  });
});
