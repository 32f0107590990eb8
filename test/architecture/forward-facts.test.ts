import { expect, test } from "vitest";
import { readConfig } from "../../src/architecture/config-reader.ts";
import { readForwardFacts } from "../../src/architecture/forward-facts.ts";

const dropoutsOf = (config: Record<string, unknown>): readonly number[] => {
  const facts = readForwardFacts(readConfig(config, "config.json"));
  return [facts.residualDropout, facts.attentionDropout, facts.embeddingDropout];
};

/** Residual, attention, behind the embedding: read from the classes of transformers 5.18, configuration and forward pass. */
const CLASSES: readonly (readonly [modelType: string, dropouts: readonly number[]])[] = [
  ["bert", [0.1, 0.1, 0.1]],
  ["luke", [0.1, 0.1, 0.1]],
  ["longt5", [0.1, 0.1, 0.1]],
  ["bart", [0.1, 0, 0.1]],
  ["blenderbot-small", [0.1, 0, 0.1]],
  ["gte", [0.1, 0, 0.1]],
  ["gpt_neox_japanese", [0, 0.1, 0]],
  ["opt", [0.1, 0, 0]],
  ["esm", [0.1, 0.1, 0]],
  ["seed_oss", [0.1, 0.1, 0]],
  ["albert", [0, 0, 0]],
  ["llama", [0, 0, 0]],
];

test.for(CLASSES)("a config of %s that names no dropout has those of its class", ([modelType, dropouts]) => {
  expect(dropoutsOf({ model_type: modelType })).toEqual(dropouts);
});

test("what a config says goes before what its class defaults to", () => {
  expect(
    dropoutsOf({ model_type: "bert", hidden_dropout_prob: 0.2, attention_probs_dropout_prob: 0 }),
  ).toEqual([0.2, 0, 0.2]);
  expect(dropoutsOf({ model_type: "opt", dropout: 0.3 })).toEqual([0.3, 0, 0]);
});
