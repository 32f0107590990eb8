import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadModel } from "../../src/sources/load-model.ts";
import { withFolder } from "./bytes/padded-source.ts";
import { bf16Layout, buildSafetensors } from "./safetensors/safetensors-builder.ts";

const gguf = readFileSync(fileURLToPath(new URL("../fixtures/gguf/llama-f16.gguf-header", import.meta.url)));
const weights = buildSafetensors(bf16Layout([["lm_head.weight", 16, 64]]));

// Ollama and the hub's cache call a file by its digest.
test("a GGUF file and a safetensors file are known by their first bytes", () =>
  withFolder(
    { "sha256-0a": [gguf, 4_000_000], "sha256-0b": weights, "sha256-0c": '{ "model_type": 1 }' },
    async (folder) => {
      expect(await loadModel(`${folder}/sha256-0a`)).toMatchObject({ source: "gguf" });
      expect(await loadModel(`${folder}/sha256-0b`)).toMatchObject({ source: "safetensors" });
      await expect(loadModel(`${folder}/sha256-0c`)).rejects.toThrow(/model_type/);
    },
  ));
