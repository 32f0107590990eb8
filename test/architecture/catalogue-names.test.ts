import { describe, expect, test } from "vitest";
import { catalogueNames, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { loadModel } from "../../src/sources/load-model.ts";

const found = (name: string) => {
  const hit = findCatalogueEntry(name);
  return hit === undefined ? undefined : [hit.entry.name, hit.approximate];
};

describe("names of the catalogue as people write them", () => {
  test.for([
    ["llama3.1:8b", "llama-3.1-8b"],
    ["llama3.1-8b", "llama-3.1-8b"],
    ["Llama3.1 8B", "llama-3.1-8b"],
    ["llama3:70b", "llama-3-70b"],
    ["gpt-oss:20b", "gpt-oss-20b"],
    ["gemma3:27b", "gemma-3-27b"],
    ["gemma2:2b", "gemma-2-2b"],
    ["gemma3n:e4b", "gemma-3n-e4b"],
    ["qwen2.5-coder:7b", "qwen2.5-coder-7b"],
    ["qwen2.5vl:7b", "qwen2.5-vl-7b"],
    ["qwen-3-8b", "qwen3-8b"],
    ["phi4:latest", "phi-4"],
    ["mixtral:8x7b", "mixtral-8x7b"],
    ["meta-llama/Meta-Llama-3.1-8B", "llama-3.1-8b"],
  ] as const)("%s is %s itself", ([name, entry]) => {
    expect(found(name)).toEqual([entry, false]);
  });

  test.for([
    ["llama3.1:8b-instruct", "llama-3.1-8b"],
    ["Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"],
    ["meta-llama/Meta-Llama-3.1-70B-Instruct", "llama-3.1-70b"],
    ["mistralai/Mistral-7B-v0.3", "mistral-7b"],
    ["google/gemma-3-27b-pt", "gemma-3-27b"],
    ["Qwen/Qwen3-8B-Base", "qwen3-8b"],
  ] as const)("%s is sized as its sibling %s", ([name, entry]) => {
    expect(found(name)).toEqual([entry, true]);
  });

  test.for([
    ["tinyllama", "tinyllama-1.1b"],
    ["llama3", "llama-3-8b"],
    ["llama3:latest", "llama-3-8b"],
    ["phi3", "phi-3-mini-4k"],
    ["mistral-nemo", "mistral-nemo-12b"],
    ["qwen2.5-coder", "qwen2.5-coder-7b"],
    ["gpt-oss", "gpt-oss-20b"],
  ] as const)("%s without a size is what Ollama's library runs: %s", ([name, entry]) => {
    expect(found(name)).toEqual([entry, true]);
  });

  test.for([
    // Another owner, a format, a revision, a file's quantization: not what the row states.
    "unsloth/Llama-3.1-8B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct-AWQ",
    "Qwen/Qwen2.5-7B-Instruct@main",
    "Qwen/Qwen2.5-7B-Instruct:Q4_K_M",
    "Qwen/Qwen2.5-7B-Instruct-1M",
    "mistralai/Mistral-7B-Instruct-v0.2",
    // Its files are F32, the tuned ones bf16.
    "google/gemma-2-9b",
    // No size, and no library's word for one.
    "qwen",
    "deepseek-coder",
    "llama3.1:8b-instruct-q4_K_M",
  ])("%s is not the catalogue's", (name) => {
    expect(found(name)).toBeUndefined();
  });

  test("every repository is its row's, and no loose spelling is two rows'", () => {
    for (const name of catalogueNames()) {
      const { entry } = findCatalogueEntry(name)!;
      expect(findCatalogueEntry(entry.hub)?.approximate).toBe(false);
      expect(found(name.replace(/(?<=[a-z])-(?=\d)/, ""))?.[0]).toBe(name);
    }
  });

  test("a sibling is read without the network, with a note that names the row", async () => {
    const model = await loadModel("Qwen/Qwen2.5-7B-Instruct", { env: { HF_HUB_OFFLINE: "1" } });
    expect(model.source).toBe("catalogue");
    expect(model.notes.map(({ code, details }) => ({ code, details }))).toEqual([
      { code: "catalogue-base", details: { name: "qwen2.5-7b", hub: "Qwen/Qwen2.5-7B" } },
    ]);
  });
});
