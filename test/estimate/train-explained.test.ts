import { expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import { explainTerm } from "../../src/memory/term.ts";

const of = (id: string) => catalogueArchitecture(findCatalogueEntry(id)!.entry);
const REQUESTS: readonly (readonly [string, TrainRequest])[] = [
  ["llama-3.1-8b", {}],
  ["llama-3.1-8b", { method: "lora", seqTokens: 4096 }],
  ["llama-3.1-8b", { method: "qlora", optimizer: "paged-adamw-8bit" }],
  ["llama-3.1-8b", { precision: "bf16-master", parallel: { dp: 8, sharding: "zero3" } }],
  ["llama-3.1-8b", { optimizer: "adamw-8bit", gradAccum: 4, parallel: { dp: 16, sharding: "zero2" } }],
  ["llama-3.1-8b", { parallel: { dp: 2, tp: 2, pp: 2, cp: 2, sharding: "fsdp2" } }],
  ["llama-3.1-8b", { parallel: { dp: 6, sharding: "ddp" } }],
  ["llama-3.1-8b", { parallel: { dp: 6, sharding: "fsdp" } }],
  ["qwen3-30b-a3b", { parallel: { dp: 8, ep: 8, sharding: "fsdp2" } }],
];

/** What a person with a calculator gets from the text. */
function byHand(text: string): number {
  const plain = text
    .replace(/[\d,]+ packed weights in ([\d,]+) B/, "$1")
    .replace(/ of [\d,]+ gradients/, "")
    .replace(/ while gradients of embeddings are made/, "")
    .replace(/ (tokens|B of [a-z' ]+|B)(?= \+|$| x| \/)/g, "")
    .replaceAll(",", "");
  return plain.split(" + ").reduce((sum, part) => {
    const [product = "", ranks = "1"] = part.split(" / ");
    return sum + product.split(" x ").reduce((a, b) => a * Number(b), 1) / Number(ranks);
  }, 0);
}

test.each(REQUESTS)("every term of %s %o is its formula with its operands", (id, request) => {
  for (const { terms } of train(of(id), request).devices[0]!.phases) {
    for (const term of terms) {
      const [formula = ""] = explainTerm(term).split(" = ");
      expect(Math.abs(byHand(formula) - term.bytes), formula).toBeLessThanOrEqual(1);
    }
  }
});
