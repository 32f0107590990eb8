import { listGgufChoices, pickGgufFile } from "./gguf-choice.ts";
import type { HubFile } from "./hub-cache.ts";
import type { HubReference } from "./hub-reference.ts";

/** How far a cached snapshot serves a reference: all that is asked for, its config alone, or not at all. */
export type Coverage = "whole" | "config" | "none";

const PIECE = /^(.*)-(\d{5})-of-(\d{5})\.(safetensors|bin)$/;
const WEIGHTS = /\.safetensors$|(?:^|\/)pytorch_model.*\.bin$/;

/**
 * A cache often holds part of a repository: a config without weights, three shards of four. `whole` means
 * that a named file or quantization is there with all its pieces, or else one GGUF model, or a config.json
 * with weight files none of whose shards is missing.
 */
export function coverage(files: readonly HubFile[], reference: HubReference): Coverage {
  const paths = new Set(files.map((f) => f.path));
  const { file, quant } = reference;
  if (file !== undefined && !/\.gguf$/i.test(file)) return paths.has(file) ? "whole" : "none";
  if (file !== undefined || quant !== undefined) return hasGguf(files, { file, quant }) ? "whole" : "none";
  const weights = [...paths].filter((path) => WEIGHTS.test(path));
  if (paths.has("config.json"))
    return weights.length > 0 && weights.every(isInWholeSet(paths)) ? "whole" : "config";
  return listGgufChoices(files).length === 1 && hasGguf(files, {}) ? "whole" : "none";
}

function hasGguf(files: readonly HubFile[], wish: { file?: string | undefined; quant?: string | undefined }) {
  try {
    pickGgufFile(files, { name: "", ...wish });
    return true;
  } catch {
    return false;
  }
}

function isInWholeSet(paths: ReadonlySet<string>): (path: string) => boolean {
  return (path) => {
    const [, stem, , total, ending] = PIECE.exec(path) ?? [];
    if (total === undefined) return true;
    // Asking for piece 1 to n of every piece is n x n; sets have at most a few hundred.
    for (let i = 1; i <= Math.min(Number(total), 2000); i++)
      if (!paths.has(`${stem}-${String(i).padStart(5, "0")}-of-${total}.${ending}`)) return false;
    return true;
  };
}
