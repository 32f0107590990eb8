/** Turns what the user typed into a model. Each kind of source is loaded only when it is the one. */
import type { Architecture, Note } from "../architecture/model.ts";
import { typicalArchitecture } from "../architecture/typical.ts";
import { nearestNames, VramCalcError } from "../errors.ts";
import { checkOptions, type OptionKinds, shown } from "../known-options.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import { formatCount, groupDigits, looksLikeCount, parseCount } from "../units.ts";
import { configArchitecture } from "./config-architecture.ts";
import type { GgufFacts } from "./gguf/gguf-facts.ts";
import { findLocal } from "./local-path.ts";
import { publishedStorage } from "./published-storage.ts";
import type { StoredFiles } from "./stored-weights.ts";

export type SourceKind = "count" | "catalogue" | "config" | "stdin" | "safetensors" | "gguf" | "hub";

export interface LoadedModel {
  /** What was typed, or the better name that the source gives. */
  readonly id: string;
  readonly source: SourceKind;
  readonly architecture: Architecture;
  /** How the file stores the weights, when the source says. */
  readonly stored?: WeightStorage;
  /** The tensors of its files, when headers were read. */
  readonly files?: StoredFiles;
  /** What the metadata of its GGUF file says. */
  readonly gguf?: GgufFacts;
  /** The parsed config.json it was built from. */
  readonly config?: unknown;
  /** Resolved commit of a hub model. */
  readonly revision?: string;
  readonly notes: readonly Note[];
}

export interface LoadOptions {
  /** How `-` is read. Default: `-` is refused. */
  readonly readStdin: (maxBytes: number) => Promise<string>;
  readonly assumeFamily?: string;
  /** Only shapes are asked for: how a catalogue entry's weights are published is not worked out. */
  readonly shapesOnly?: boolean;
  /** Where HF_TOKEN, HF_HOME, HF_ENDPOINT and the like are looked up. Default: the process's own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where progress of longer downloads may be shown. */
  readonly terminal?: { readonly isTerminal: boolean; readonly write: (text: string) => void };
  /** Other words that may have been meant, for suggestions: the names of commands. */
  readonly otherNames?: readonly string[];
}

const LOADING: OptionKinds<Partial<LoadOptions>> = {
  readStdin: "function",
  assumeFamily: "string",
  shapesOnly: "boolean",
  env: "object",
  terminal: "object",
  otherNames: "list",
};

/**
 * Loads a model from a count, `-`, a path, a catalogue name, a hub id or an address, tried in this order.
 *
 * @throws bad-option, bad-quantity, unreadable-path, malformed-file, bad-config, unsupported-model, unknown-name,
 * source-unavailable
 * @example (await loadModel("14B")).architecture.parameters.total // 14_000_000_000
 */
export async function loadModel(reference: string, given: Partial<LoadOptions> = {}): Promise<LoadedModel> {
  const loaded = await loadReference(reference, given);
  const { assumeFamily } = given;
  const { source, architecture } = loaded;
  if (assumeFamily === undefined || (source !== "count" && source !== "catalogue" && source !== "gguf"))
    return loaded;
  const note: Note = {
    code: "assumed-family-unused",
    message: `sized as ${architecture.family}, as this source says itself; assuming ${assumeFamily.slice(0, 60)} was not needed`,
    details: { family: architecture.family, assumed: assumeFamily },
  };
  return { ...loaded, notes: [...loaded.notes, note] };
}

async function loadReference(reference: string, given: Partial<LoadOptions>): Promise<LoadedModel> {
  checkOptions(given, LOADING, "loadModel");
  if (typeof reference !== "string")
    throw new VramCalcError("bad-option", {
      option: "model",
      given: shown(reference),
      expected:
        "text: a count (14B), a catalogue name, a path or a hub id; readArchitecture takes a parsed config",
    });
  const options: LoadOptions = { env: process.env, readStdin: noStdin, ...given };
  if (looksLikeCount(reference)) return loadCount(reference);
  if (reference === "-") {
    const { loadConfigText } = await import("./config-source.ts");
    return loadConfigText(await options.readStdin(MOST_CONFIG_BYTES), "standard input", "stdin", options);
  }
  const path = findLocal(reference);
  if (path !== null) {
    const { loadLocal } = await import("./config-source.ts");
    return loadLocal(path, options);
  }
  const named = (await catalogueModel(reference, options)) ?? (await inFormat(reference, options));
  if (named !== null) return named;
  const { loadRemote } = await import("./hub-source.ts");
  const remote = await loadRemote(reference, options);
  if (remote !== null) return remote;
  const { catalogueNames } = await import("../architecture/catalogue-names.ts");
  throw new VramCalcError("unknown-name", {
    kind: "model",
    name: reference,
    nearest: nearestNames(reference, [...catalogueNames(), ...(options.otherNames ?? [])]),
    hint: "a model is a count (14B), a catalogue name, a path, a hub id (org/name) or - for standard input",
  });
}

async function catalogueModel(
  reference: string,
  { shapesOnly }: Pick<LoadOptions, "shapesOnly">,
): Promise<LoadedModel | null> {
  const { findCatalogueEntry } = await import("../architecture/catalogue-names.ts");
  const hit = findCatalogueEntry(reference);
  if (hit === undefined) return null;
  const { name, hub, config } = hit.entry;
  const architecture = await configArchitecture(config, name, {});
  const notes: Note[] = hit.approximate
    ? [
        {
          code: "catalogue-base",
          message: `"${reference}" is not in the catalogue by that name; sized as ${name} (${hub})${reference.includes("/") ? `; ${reference}@main reads its own file` : ""}`,
          details: { name, hub },
        },
      ]
    : [];
  const stored = shapesOnly === true ? undefined : await publishedStorage(config, name);
  return { id: name, source: "catalogue", architecture, ...(stored === undefined ? {} : { stored }), notes };
}

/**
 * A name of the catalogue with a format behind it, as hubs and Ollama's library write it: "qwen3-8b:Q4_K_M",
 * "qwen3:8b-q4_K_M".
 */
async function inFormat(
  reference: string,
  options: Pick<LoadOptions, "shapesOnly">,
): Promise<LoadedModel | null> {
  const [, name, format] = /^([^/]+)[:-](i?q\d\w*|mxfp4|f16|bf16|fp16|fp8)$/i.exec(reference) ?? [];
  if (name === undefined || format === undefined) return null;
  const model = await catalogueModel(name, { shapesOnly: true });
  if (model === null) return null;
  const { storageByName } = await import("../quantization/storage-by-name.ts");
  try {
    const stored = storageByName(format.toLowerCase().replace(/^f16$/, "fp16"));
    return options.shapesOnly === true ? model : { ...model, stored };
  } catch (error) {
    if (error instanceof VramCalcError) return null;
    throw error;
  }
}

/** A config.json is a few KB; the largest published ones list every quantized module and reach 3 MB. */
export const MOST_CONFIG_BYTES = 32 * 2 ** 20;

const noStdin = (): Promise<string> =>
  Promise.reject(
    new VramCalcError("bad-option", {
      option: "model",
      given: "-",
      expected: "a readStdin function beside it, or the text itself through readArchitecture",
    }),
  );

function loadCount(reference: string): LoadedModel {
  const count = parseCount(reference);
  return {
    id: formatCount(count),
    source: "count",
    architecture: typicalArchitecture(count),
    notes: [
      {
        code: "read-count",
        message: `read "${reference}" as ${groupDigits(count)} parameters`,
        details: { count },
      },
    ],
  };
}
