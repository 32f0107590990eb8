/** Models that lie on disk or come through standard input as a config.json. */
import { opendirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Note } from "../architecture/model.ts";
import { openFileSource, unreadable } from "./bytes/file-source.ts";
import { configArchitecture } from "./config-architecture.ts";
import { parseJson } from "./json/parse-json.ts";
import { readBoundedTextFile } from "./json/text-file.ts";
import { type LoadedModel, type LoadOptions, MOST_CONFIG_BYTES, type SourceKind } from "./load-model.ts";
import type { LocalPath } from "./local-path.ts";
import { loadFolder, loadGguf, loadWeightFile, type ModelFolder } from "./model-folder.ts";
import { publishedStorage } from "./published-storage.ts";

/** A directory has as many entries as someone likes; a model's has a few hundred. */
const MOST_ENTRIES = 100_000;

/**
 * A directory, a weight file, a GGUF file or a config file.
 *
 * @throws unreadable-path for a path that the system refused
 */
export async function loadLocal({ typed, is }: LocalPath, options: LoadOptions): Promise<LoadedModel> {
  if (is instanceof Error) throw unreadable(typed, is);
  if (is === "directory") return loadFolder(await localFolder(typed), options);
  const name = basename(typed);
  const isWeights = /\.safetensors$|\.index(\.[\w-]+)?\.json$/.test(name);
  if (isWeights) return loadWeightFile(await localFolder(dirname(typed)), name, options);
  if (/\.gguf$/i.test(name)) return loadGguf(await localFolder(dirname(typed)), name);
  if (!name.endsWith(".json")) {
    const container = await containerOf(typed);
    if (container === "gguf") return loadGguf(await localFolder(dirname(typed)), name);
    if (container === "safetensors") return loadWeightFile(await localFolder(dirname(typed)), name, options);
  }
  return loadConfigText(await readBoundedTextFile(typed, MOST_CONFIG_BYTES), typed, "config", options);
}

/** What a file without a telling name begins as: blobs of Ollama and of the hub's cache are called by their digests. */
async function containerOf(path: string): Promise<"gguf" | "safetensors" | null> {
  const source = await openFileSource(path);
  try {
    const start = await source.read(0, 9);
    if (String.fromCharCode(...start.subarray(0, 4)) === "GGUF") return "gguf";
    // The length of a header in 8 bytes, less than 2^32, and the brace that it begins with.
    const header = start.length === 9 && start.subarray(4, 8).every((byte) => byte === 0);
    return header && start[8] === 0x7b ? "safetensors" : null;
  } finally {
    await source.close?.();
  }
}

async function localFolder(path: string): Promise<ModelFolder> {
  const fileNames: string[] = [];
  try {
    // node:fs/promises would be loaded for this alone, and costs more than the listing.
    const directory = opendirSync(path);
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        fileNames.push(entry.name);
        if (fileNames.length === MOST_ENTRIES) break;
      }
    } finally {
      directory.closeSync();
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return {
    name: path,
    source: "config",
    fileNames: fileNames.sort(),
    open: (fileName) => openFileSource(join(path, fileName)),
    readText: (fileName, maxBytes) => readBoundedTextFile(join(path, fileName), maxBytes),
  };
}

/** Parses the text of a config.json. `file` is what messages call it. */
export async function loadConfigText(
  text: string,
  file: string,
  source: SourceKind,
  options: LoadOptions,
): Promise<LoadedModel> {
  const value = parseJson(text, file);
  const architecture = await configArchitecture(value, file, options);
  const stored = await publishedStorage(value, file);
  return {
    id: nameOf(value, file),
    source,
    architecture,
    config: value,
    ...(stored === undefined ? {} : { stored }),
    notes: stored === undefined ? await formatNotes(file) : [],
  };
}

async function formatNotes(file: string): Promise<readonly Note[]> {
  const { namedFormatNote } = await import("./named-format.ts");
  const note = namedFormatNote(file);
  return note === null ? [] : [note];
}

/** `_name_or_path` of the config when it names a model, else the directory or file it lies in. */
function nameOf(value: unknown, file: string): string {
  const named = (value as { readonly _name_or_path?: unknown })._name_or_path;
  if (typeof named === "string" && /^[\w.-]+\/[\w.-]+$/.test(named)) return named;
  if (file === "standard input") return file;
  if (basename(file) !== "config.json") return basename(file, ".json");
  return dirname(file) === "." ? "config.json" : basename(dirname(file));
}
