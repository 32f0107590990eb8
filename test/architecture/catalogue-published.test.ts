import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  catalogueArchitecture,
  catalogueNames,
  findCatalogueEntry,
} from "../../src/architecture/catalogue.ts";
import type { CatalogueEntry } from "../../src/architecture/catalogue-entry.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { imageShape } from "../../src/memory/image-tokens.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import { parseJson } from "../../src/sources/json/parse-json.ts";

const shared = fileURLToPath(new URL("../../../shared/configs/", import.meta.url));
const fileOf = ({ name, hub }: CatalogueEntry): string =>
  `${shared}${(SIBLINGS[name] ?? hub).replace("/", "__")}.json`;
const present = existsSync(shared);

/** Rows whose file is there under the repository's older name, or as its tuned or base sibling's. */
const SIBLINGS: { readonly [name: string]: string } = {
  "llama-3.1-8b": "meta-llama/Meta-Llama-3.1-8B",
  "llama-3.1-70b": "meta-llama/Meta-Llama-3.1-70B",
  "llama-3.2-1b": "meta-llama/Llama-3.2-1B-Instruct",
  "llama-3.2-3b": "meta-llama/Llama-3.2-3B-Instruct",
  "qwen1.5-4b": "Qwen/Qwen1.5-4B-Chat",
  "qwen2-1.5b": "Qwen/Qwen2-1.5B-Instruct",
  "qwen2-7b": "Qwen/Qwen2-7B-Instruct",
  "qwen2-72b": "Qwen/Qwen2-72B-Instruct",
  "qwen2.5-3b": "Qwen/Qwen2.5-3B-Instruct",
};

/**
 * What the reference file does not tell, or tells wrongly. A context that its collector shortened, and rotary sections
 * that its collector dropped, are named in SOURCES.md beside the files.
 */
const BESIDE: { readonly [name: string]: readonly (keyof Facts)[] } = {
  "internvl2-4b": ["context"],
  "qwen2.5-vl-3b": ["context"],
  "chatglm2-6b": ["context"],
  "qwen3-vl-2b": ["forward"],
  "qwen3-vl-30b-a3b": ["forward"],
  // The base models read four times as much as the tuned ones.
  "qwen2-1.5b": ["context"],
  "qwen2-7b": ["context"],
  "qwen2-72b": ["context"],
  // The files hold no head: the embedding's class, where the config names the one with a head.
  "qwen3-embedding-0.6b": ["tied"],
  // The types of the files, which these configs do not state.
  "gpt2-medium": ["dtype"],
  "all-minilm-l6-v2": ["dtype"],
  "bart-large-cnn": ["dtype"],
  "qwen-7b": ["dtype"],
  "qwen-14b": ["dtype"],
};

/** Everything that decides memory besides the parameters. */
interface Facts {
  readonly layers: unknown;
  readonly context: number | undefined;
  readonly dtype: string | undefined;
  readonly storedBytes: number | undefined;
  readonly tied: boolean;
  readonly vocabulary: number;
  readonly forward: unknown;
  readonly images: unknown;
}

function factsOf(model: Architecture, config: unknown, file: string): Facts {
  return {
    layers: model.stacks.map(({ role, hiddenSize, repeats, runs, kinds }) => ({
      role,
      hiddenSize,
      repeats,
      runs: runs.map(({ kind, count }) => ({
        count,
        mixers: kinds[kind]!.mixers,
        feedForward: kinds[kind]!.feedForward,
      })),
    })),
    context: model.maxContextTokens,
    dtype: model.dtype,
    storedBytes: storageFromConfig(config, file)?.bytesOf(model),
    tied: model.tied,
    vocabulary: model.vocabSize,
    forward: model.forward,
    images: imagesOf(model),
  };
}

/** Tokens and patches of a wide image and of a small one; null for a model without a tower. */
function imagesOf(model: Architecture): unknown {
  if (!model.stacks.some(({ role }) => role === "vision")) return null;
  const sizes = [
    { width: 1280, height: 720 },
    { width: 336, height: 336 },
  ];
  return sizes.map((size) => imageShape(model, { count: 1, ...size }));
}

const rows = catalogueNames()
  .map((name) => findCatalogueEntry(name)!.entry)
  .filter((entry) => existsSync(fileOf(entry)));

describe.skipIf(!present)(
  "a row of the catalogue and the published file of its repository (skipped: no config folder beside the project)",
  () => {
    test.for(rows)("$name: layers, context, types and images as $hub states them", (entry) => {
      const { name, config } = entry;
      const file = fileOf(entry);
      const published = parseJson(readFileSync(file, "utf8"), file);
      const beside = BESIDE[name] ?? [];
      const kept = (facts: Facts) =>
        Object.fromEntries(Object.entries(facts).filter(([key]) => !beside.includes(key as keyof Facts)));
      expect(kept(factsOf(catalogueArchitecture(entry), config, name))).toEqual(
        kept(factsOf(readArchitecture(published, file), published, file)),
      );
    });

    test("rows with a file are many, and every exception is needed", () => {
      expect(rows.length).toBeGreaterThan(100);
      for (const [name, keys] of Object.entries(BESIDE)) {
        const entry = findCatalogueEntry(name)!.entry;
        const file = fileOf(entry);
        const published = parseJson(readFileSync(file, "utf8"), file);
        const ours = factsOf(catalogueArchitecture(entry), entry.config, name);
        const theirs = factsOf(readArchitecture(published, file), published, file);
        for (const key of keys) expect(ours[key], `${name}: ${key}`).not.toEqual(theirs[key]);
      }
    });
  },
);
