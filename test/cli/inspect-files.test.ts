import { describe, expect, test } from "vitest";
import { OURO_1_4B } from "../architecture/remote-models.ts";
import { withFolder } from "../sources/bytes/padded-source.ts";
import { buildGguf, f32Tensor, strings, text, uint32 } from "../sources/gguf/gguf-builder.ts";
import { bf16Layout, buildSafetensors } from "../sources/safetensors/safetensors-builder.ts";
import { invoke } from "./invoke.ts";

const CONFIG = JSON.stringify({
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 96,
  vocab_size: 100,
});

const gguf = buildGguf({
  metadata: [
    ["general.architecture", text("llama")],
    ["general.name", text("Tiny\u001b[31m")],
    ["general.file_type", uint32(15)],
    ["general.quantization_version", uint32(2)],
    ["llama.embedding_length", uint32(256)],
    ["llama.context_length", uint32(8192)],
    ["llama.block_count", uint32(0)],
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text("llama-bpe")],
    ["tokenizer.ggml.tokens", strings(["a", "b", "c"])],
  ],
  tensors: [f32Tensor("token_embd.weight", 4), f32Tensor("output_norm.weight")],
});

describe("inspect on files", () => {
  test("GGUF: the metadata that matters, and rows against its own tokens", () =>
    withFolder({ "m.gguf": gguf }, async (folder) => {
      const { stdout } = await invoke(["inspect", `${folder}/m.gguf`]);
      expect(stdout).toMatch(/parameters \(llama\)/);
      expect(stdout).toMatch(/name +Tiny \[31m/);
      expect(stdout).toMatch(/file type +q4_k_m/);
      expect(stdout).toMatch(/context +8,192 tokens/);
      expect(stdout).toMatch(/tokenizer +gpt2, llama-bpe, 3 tokens/);
      expect(stdout).toMatch(/quantization version +2/);
      expect(stdout).toMatch(/3 tokens in tokenizer\.ggml\.tokens/);
      expect(stdout).toMatch(/1 rows that no token reaches/);
      const json = JSON.parse((await invoke(["inspect", `${folder}/m.gguf`, "--json"])).stdout);
      expect(json.gguf).toMatchObject({
        architecture: "llama",
        fileType: "q4_k_m",
        tokens: 3,
        alignment: 32,
      });
    }));

  test("a broken tokenizer.json costs its section and no more", () =>
    withFolder({ "config.json": CONFIG, "tokenizer.json": "{bro" }, async (folder) => {
      const { code, stdout } = await invoke(["inspect", folder]);
      expect(code).toBe(0);
      expect(stdout.replace(/\s+/g, " ")).toMatch(/note: the embedding is not compared with the tokenizer:/);
    }));

  test("layers that run several times: the turns, a cache for each, and the same sum explained", () =>
    withFolder({ "config.json": JSON.stringify(OURO_1_4B) }, async (folder) => {
      const { stdout } = await invoke(["inspect", folder, "--explain"]);
      expect(stdout).toMatch(/model\.layers\[0-23\]: 24 x 51,388,416, each run 4 times/);
      // 96 caches of 16 KV heads x (128 + 128) x 2 B.
      expect(stdout).toMatch(/96 layers of full attention: 786,432 B per token/);
      expect(stdout).toMatch(/cache: 96 layers x 16 KV heads x \(128 \+ 128\) x 2 B per token/);
    }));

  test("tensors alone: nothing of heads, layers and caches is said", () =>
    withFolder({ "a.safetensors": buildSafetensors(bf16Layout([["x", 2, 3]])) }, async (folder) => {
      const { stdout } = await invoke(["inspect", `${folder}/a.safetensors`]);
      expect(stdout).not.toMatch(/head|between tokens|linears|^layers/m);
      expect(stdout).toMatch(/6 parameters/);
    }));
});
