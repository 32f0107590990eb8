import { statSync } from "node:fs";

/** What a model argument names on disk. */
export interface LocalPath {
  /** As typed, for messages. */
  readonly typed: string;
  /** An error where the system refused what can only be a path. */
  readonly is: "directory" | "file" | Error;
}

/** Words that can only be a path, so a missing one is reported as a file and not as an unknown model. */
const PATH_LIKE = /^(\.{1,2}([/\\]|$)|[/\\~]|[a-zA-Z]:[/\\])|\.(json|gguf|safetensors|bin)$/;

/** The path that a model argument names, or null when nothing lies there and it does not look like a path. */
export function findLocal(reference: string): LocalPath | null {
  if (reference === "" || /^https?:\/\//i.test(reference)) return null;
  try {
    return { typed: reference, is: statSync(reference).isDirectory() ? "directory" : "file" };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const absent = code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
    return absent && !PATH_LIKE.test(reference) ? null : { typed: reference, is: error as Error };
  }
}
