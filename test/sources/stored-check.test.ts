import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { loadModel } from "../../src/sources/load-model.ts";
import { checkStored } from "../../src/sources/stored-check.ts";
import type { FileTensor, StoredFiles } from "../../src/sources/stored-weights.ts";
import { withFolder } from "./bytes/padded-source.ts";
import { bf16Layout, buildSafetensors } from "./safetensors/safetensors-builder.ts";

/** 64 x 8 rows, two layers of 4 x 64 + 3 x 128 + 16 values, a norm of 8 and a head of 512. */
const CONFIG = {
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  vocab_size: 64,
  tie_word_embeddings: false,
};
const model = readArchitecture(CONFIG, "config.json");

function layer(number: number): readonly FileTensor[] {
  const at = (name: string, shape: readonly number[]) => tensor(`model.layers.${number}.${name}`, shape);
  return [
    ...["q", "k", "v", "o"].map((name) => at(`self_attn.${name}_proj.weight`, [8, 8])),
    ...["gate", "up"].map((name) => at(`mlp.${name}_proj.weight`, [16, 8])),
    at("mlp.down_proj.weight", [8, 16]),
    at("input_layernorm.weight", [8]),
    at("post_attention_layernorm.weight", [8]),
  ];
}

function tensor(name: string, shape: readonly number[], format = "BF16"): FileTensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, format, shape, elements, bytes: elements * 2 };
}

const OUTSIDE = [
  tensor("model.embed_tokens.weight", [64, 8]),
  tensor("model.norm.weight", [8]),
  tensor("lm_head.weight", [64, 8]),
];

const stored = (tensors: readonly FileTensor[]): StoredFiles => ({
  container: "safetensors",
  tensors,
  totalBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
  fileBytes: null,
  files: 1,
});

const check = (tensors: readonly FileTensor[]) => checkStored(stored(tensors), model, () => true);

describe("stored tensors against the config beside them", () => {
  test("all of them: nothing to say, with the buffers of older files too", () => {
    expect(check([...OUTSIDE, ...layer(0), ...layer(1)])).toEqual({ incomplete: false, notes: [] });
    const buffer = tensor("model.layers.0.self_attn.rotary_emb.inv_freq", [2]);
    expect(check([...OUTSIDE, ...layer(0), ...layer(1), buffer]).notes).toEqual([]);
  });

  test("a layer is missing: its number, and both counts", () => {
    const { incomplete, notes } = check([...OUTSIDE, ...layer(0)]);
    expect(incomplete).toBe(true);
    expect(notes[0]!.message).toMatch(/hold 1,688 of the 2,344 parameters .* no tensor of layer 1;/);
  });

  test("more than the config describes: said and counted", () => {
    const { incomplete, notes } = check([
      ...OUTSIDE,
      ...layer(0),
      ...layer(1),
      tensor("extra.weight", [100]),
    ]);
    expect(incomplete).toBe(false);
    expect(notes[0]!.message).toMatch(/hold 2,444 parameters, 100 more than/);
  });

  test("quantized values are not counted as parameters, but a layer without any is missing", () => {
    const packed = [tensor("model.layers.0.mlp.up_proj.qweight", [2, 8], "I32")];
    expect(check(packed).notes[0]!.message).toMatch(/part of the model: no tensor of layer 1;/);
    expect(check([...packed, ...layer(1)])).toEqual({ incomplete: false, notes: [] });
  });
});

describe("a directory with a part of a model", () => {
  const part = buildSafetensors(
    bf16Layout(layer(0).map(({ name, shape }) => [name, shape[0]!, shape[1] ?? 1] as const)),
  );
  const config = JSON.stringify(CONFIG);

  test("as model.safetensors: assumed, with a note", () =>
    withFolder({ "config.json": config, "model.safetensors": part }, async (folder) => {
      const loaded = await loadModel(folder);
      expect(loaded.stored?.basis).toBe("assumed");
      expect(loaded.notes.map(({ code }) => code)).toEqual(["weights-incomplete"]);
    }));

  test("as a lone shard: refused, naming its sibling", () =>
    withFolder({ "config.json": config, "model-00002-of-00002.safetensors": part }, async (folder) => {
      await expect(loadModel(folder)).rejects.toThrow(join(folder, "model-00001-of-00002.safetensors"));
    }));

  test("beside another model's file: not read, and said so", () =>
    withFolder({ "config.json": config, "a.safetensors": part, "b.safetensors": part }, async (folder) => {
      const loaded = await loadModel(folder);
      expect(loaded.files).toBeUndefined();
      expect(loaded.notes.map(({ code }) => code)).toEqual(["weights-not-read"]);
    }));
});
