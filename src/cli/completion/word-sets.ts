/** Words that a shell offers for an option's value or an argument, by the name of the option or argument. */

import { TARGET_GROUPS } from "../../adapters/lora-targets.ts";
import { catalogueNames } from "../../architecture/catalogue-names.ts";
import { FAMILIES } from "../../architecture/registry.ts";
import { CURVES } from "../../curves/curves.ts";
import { ENGINE_IDS } from "../../engines/engine.ts";
import { LLAMA_CPP_VERSIONS } from "../../engines/llama-cpp/versions.ts";
import { TRANSFORMERS_VERSIONS } from "../../engines/transformers/versions.ts";
import { VLLM_VERSIONS } from "../../engines/vllm/versions.ts";
import { KV_FORMATS } from "../../formats/kv-formats.ts";
import { STORAGE_FORMATS } from "../../formats/storage-formats.ts";
import { accelerators } from "../../hardware/accelerators.ts";
import { OPTIMIZERS } from "../../memory/training/optimizers.ts";
import { WEIGHT_FORMAT_NAMES } from "../../quantization/storage-by-name.ts";
import { settingNames } from "../engine-settings.ts";

/** What stands where a value is typed. */
export type WordSet = keyof typeof WORDS;

/** Names that are offered, each set made when it is asked for. */
const WORDS = {
  models: () => catalogueNames(),
  gpus: () => ["local", ...accelerators().map((accelerator) => accelerator.id)],
  storage: () => WEIGHT_FORMAT_NAMES,
  kv: () => [...KV_FORMATS.keys()],
  formats: () => [...STORAGE_FORMATS.keys()],
  engines: () => [
    "generic",
    ...ENGINE_IDS,
    ...VLLM_VERSIONS.map(({ version }) => `vllm@${version}`),
    ...TRANSFORMERS_VERSIONS.map(({ version }) => `transformers@${version}`),
    ...LLAMA_CPP_VERSIONS.map(({ version }) => `llama.cpp@b${version}`),
  ],
  settings: () => settingNames().map((name) => `${name}=`),
  targets: () => [
    ...TARGET_GROUPS,
    ...["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
  ],
  families: () => FAMILIES.map((family) => family.id),
  optimizers: () => OPTIMIZERS.map((optimizer) => optimizer.id),
  curves: () => ["memory", "list", ...CURVES.map((curve) => curve.id)],
} as const satisfies Record<string, () => readonly string[]>;

/** Sets whose words are joined to one value: by a sign, or with a number of them in front as in 2xl40s,l4. */
export const JOINED: { readonly [S in WordSet]?: "," | "/" | "count" } = {
  storage: ",",
  kv: "/",
  gpus: "count",
  settings: ",",
  targets: ",",
};

/** The words of a set: letters, digits and `._+-@=` alone, so that no shell reads anything into them. */
export function wordsOf(set: WordSet): readonly string[] {
  return [...new Set<string>(WORDS[set]())].filter((word) => /^[\w.+@=-]+$/.test(word)).sort();
}

/** What an option or argument without choices of its own takes, by its name. */
export interface ValueSource {
  /** A closed list. */
  readonly choices?: readonly string[];
  readonly words?: WordSet;
  readonly files?: true;
}

export const OPTION_VALUES: { readonly [option: string]: ValueSource } = {
  dtype: { words: "storage" },
  "kv-dtype": { words: "kv" },
  gpu: { words: "gpus" },
  draft: { words: "models", files: true },
  mmproj: { files: true },
  engine: { words: "engines" },
  optimizer: { words: "optimizers" },
  "assume-family": { words: "families" },
  solve: { choices: ["context", "batch", "format"] },
  x: { choices: ["context", "batch"] },
  units: { choices: ["GB", "GiB"] },
  checkpointing: { choices: ["none", "selective", "full", "offload"] },
  set: { words: "settings" },
  "lora-targets": { words: "targets" },
  baseline: { files: true },
  output: { files: true },
};

/** What follows a word among the arguments: `plot memory MODEL`. */
export const VALUES_AFTER: { readonly [argument: string]: { readonly [word: string]: ValueSource } } = {
  what: { memory: { words: "models", files: true } },
};

export const ARGUMENT_VALUES: { readonly [argument: string]: ValueSource } = {
  model: { words: "models", files: true },
  models: { words: "models", files: true },
  file: { files: true },
  words: { words: "formats" },
  what: { words: "curves", files: true },
  filter: {},
  command: {},
};
