/** Models that lie on disk or come through standard input as a config.json. */
import { statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { readArchitecture } from "../architecture/registry.ts";
import { unreadable } from "./bytes/file-source.ts";
import { parseJson } from "./json/parse-json.ts";
import { readBoundedTextFile } from "./json/text-file.ts";
import { type LoadedModel, type LoadOptions, MOST_CONFIG_BYTES, type SourceKind } from "./load-model.ts";

export interface LocalPath {
  /** As typed, for messages. */
  readonly typed: string;
  readonly directory: boolean;
}

/** Words that can only be a path, so a missing one is reported as a file and not as an unknown model. */
const PATH_LIKE = /^(\.{1,2}([/\\]|$)|[/\\~]|[a-zA-Z]:[/\\])|\.(json|gguf|safetensors|bin)$/;

/**
 * The path that a model argument names, or null when nothing lies there and it does not look like a path.
 *
 * @throws unreadable-path when it does look like one.
 */
export function findLocal(reference: string): LocalPath | null {
  try {
    const found = statSync(reference);
    return { typed: reference, directory: found.isDirectory() };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!PATH_LIKE.test(reference) && (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG"))
      return null;
    throw unreadable(reference, error);
  }
}

/** A directory (its config.json) or a config file. */
export async function loadLocal(path: LocalPath, options: LoadOptions): Promise<LoadedModel> {
  const file = path.directory ? `${path.typed.replace(/[/\\]+$/, "")}/config.json` : path.typed;
  const text = await readBoundedTextFile(file, MOST_CONFIG_BYTES);
  return loadConfigText(text, file, "config", options);
}

/** Parses the text of a config.json. `file` is what messages call it. */
export function loadConfigText(
  text: string,
  file: string,
  source: SourceKind,
  options: LoadOptions,
): LoadedModel {
  const value = parseJson(text, file);
  const architecture = readArchitecture(
    value,
    file,
    options.assumeFamily === undefined ? {} : { assumeFamily: options.assumeFamily },
  );
  return { id: nameOf(value, file), source, architecture, notes: [] };
}

/** `_name_or_path` of the config when it names a model, else the directory or file it lies in. */
function nameOf(value: unknown, file: string): string {
  const named = (value as { readonly _name_or_path?: unknown })._name_or_path;
  if (typeof named === "string" && /^[\w.-]+\/[\w.-]+$/.test(named)) return named;
  if (file === "standard input") return file;
  return basename(file) === "config.json" ? basename(dirname(resolve(file))) : basename(file, ".json");
}
