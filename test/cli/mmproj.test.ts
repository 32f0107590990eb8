import { describe, expect, test } from "vitest";
import { withFolder } from "../sources/bytes/padded-source.ts";
import { buildGguf, f32Tensor, text, uint32 } from "../sources/gguf/gguf-builder.ts";
import { invoke } from "./invoke.ts";

const model = buildGguf({
  metadata: [
    ["general.architecture", text("llama")],
    ["llama.embedding_length", uint32(256)],
  ],
  tensors: [f32Tensor("token_embd.weight", 4), f32Tensor("output_norm.weight")],
});
/** 3 x 1024 B. */
const projector = buildGguf({
  metadata: [["general.architecture", text("clip")]],
  tensors: [f32Tensor("v.blk.0.attn_q.weight", 2), f32Tensor("mm.0.weight")],
});
const FILES = { "m.gguf": model, "mmproj-F16.gguf": projector };

describe("--mmproj FILE", () => {
  test("counts the tensors of the file under llama.cpp", () =>
    withFolder(FILES, async (folder) => {
      const line = [`${folder}/m.gguf`, "--engine", "llama.cpp", "--json"];
      const { stdout, stderr } = await invoke([...line, "--mmproj", `${folder}/mmproj-F16.gguf`]);
      expect(stderr).toBe("");
      const [device] = JSON.parse(stdout).estimate?.devices ?? JSON.parse(stdout).devices;
      const term = device.terms.find((t: { label?: string }) => t.label === "images");
      expect(term).toMatchObject({ id: "weights", bytes: 3072, basis: "exact" });
    }));

  test("is refused without llama.cpp, and for a file that is no projector", () =>
    withFolder(FILES, async (folder) => {
      const line = [`${folder}/m.gguf`, "--mmproj"];
      expect((await invoke([...line, `${folder}/mmproj-F16.gguf`])).stderr).toMatch(/--engine llama\.cpp/);
      expect((await invoke([...line, `${folder}/m.gguf`])).stderr).toMatch(/architecture llama.*is clip/);
    }));

  test("a directory that holds one says what to type", () =>
    withFolder(FILES, async (folder) => {
      const { stdout } = await invoke([folder]);
      expect(stdout.replace(/\s+/g, " ")).toMatch(
        /--engine llama\.cpp --mmproj .*mmproj-F16\.gguf counts it/,
      );
    }));
});
