/** Models of every kind of cache, and the engines that hold them. */
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";

const known = new Map<string, Architecture>();

export function named(name: string): Architecture {
  let model = known.get(name);
  if (model === undefined) {
    model = catalogueArchitecture(findCatalogueEntry(name)!.entry);
    known.set(name, model);
  }
  return model;
}

/** Full, window, chunked, cross and no attention, latents, compressed latents, states. */
export const EVERY_CACHE = [
  "gpt2",
  "llama-3.1-8b",
  "gemma-2-2b",
  "gpt-oss-20b",
  "mistral-7b-v0.1",
  "deepseek-v2-lite",
  "deepseek-v3.2",
  "deepseek-v4-flash",
  "llama-4-scout",
  "llama-3.2-11b-vision",
  "qwen3-next-80b-a3b",
  "nemotron-3-nano-30b-a3b",
  "flan-t5-base",
  "bge-m3",
] as const;

export const ENGINES = ["generic", "vllm", "sglang", "transformers", "llama.cpp"] as const;

/** Engine and card, as the command line gives them to the core. */
export const onCard = (engine: string, totalBytes: number): EstimateOptions => ({
  engine,
  card: { totalBytes },
});
