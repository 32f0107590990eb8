import { expect, test } from "vitest";
import { chooseWeightFiles } from "../../../src/sources/safetensors/weight-files.ts";

const set = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-0000${i + 1}-of-0000${count}.safetensors`);
const INDEX = "model.safetensors.index.json";

const CASES: readonly (readonly [title: string, names: readonly string[], expected: object])[] = [
  [
    "model.safetensors wins",
    ["model.safetensors", INDEX, "x.safetensors"],
    { kind: "shards", shards: ["model.safetensors"] },
  ],
  [
    "then its index",
    [INDEX, ...set("model", 2), "consolidated.safetensors"],
    { kind: "index", index: INDEX },
  ],
  [
    "any other single index",
    ["model.safetensors.index.fp16.json", "a.safetensors"],
    { kind: "index", index: "model.safetensors.index.fp16.json" },
  ],
  [
    "one file of any name",
    ["consolidated.safetensors", "config.json"],
    { kind: "shards", shards: ["consolidated.safetensors"] },
  ],
  [
    "beside an adapter",
    ["m.safetensors", "adapter_model.safetensors"],
    { kind: "shards", shards: ["m.safetensors"] },
  ],
  ["a complete numbered set", set("m", 3), { kind: "shards", shards: set("m", 3) }],
  ["a set of one", set("m", 1), { kind: "shards", shards: set("m", 1) }],
  [
    "an incomplete set",
    set("m", 3).slice(0, 2),
    { kind: "none", reason: "m-00003-of-00003.safetensors is missing" },
  ],
  ["two sets", [...set("a", 2), ...set("b", 2)], { kind: "none" }],
  ["a set and a stranger", [...set("a", 2), "b.safetensors"], { kind: "none" }],
  ["two indexes of other names", ["a.safetensors.index.json", "b.safetensors.index.json"], { kind: "none" }],
  ["PyTorch last", ["pytorch_model.bin.index.json", "a.bin"], { kind: "pytorch-index" }],
  ["but not before safetensors", ["pytorch_model.bin.index.json", "a.safetensors"], { kind: "shards" }],
  ["nothing", ["README.md"], { kind: "none", reason: "it holds no safetensors file" }],
];

test.for(CASES)("%s", ([, names, expected]) => {
  expect(chooseWeightFiles(names)).toMatchObject(expected);
});
