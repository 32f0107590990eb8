import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes } from "../../units.ts";
import type { HubReference } from "./hub-reference.ts";

export interface HubFile {
  /** Inside the repository, with `/`. */
  readonly path: string;
  /** Null when the hub did not say. */
  readonly size: Bytes | null;
}

export interface CachedSnapshot {
  readonly commit: string;
  readonly folder: string;
  readonly files: readonly HubFile[];
}

const COMMIT = /^[0-9a-f]{40}$/;
const MAX_DEPTH = 12;
const MAX_FILES = 100_000;

/** True for a full commit id, which names the same files for ever. */
export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}

const repoFolder = (cache: string, repo: string): string =>
  join(cache, `models--${repo.replaceAll("/", "--")}`);

/**
 * What the local hub cache holds for a reference, or null. The layout is the one that all hub clients
 * share: `models--org--name/refs/<branch>` holds a commit, `snapshots/<commit>/<path>` links to `blobs/`.
 * Links to blobs that are gone (a download broken off) count as absent.
 */
export async function readCachedSnapshot(
  cache: string,
  reference: Pick<HubReference, "repo" | "revision">,
): Promise<CachedSnapshot | null> {
  const { repo, revision = "main" } = reference;
  const commit = isCommit(revision)
    ? revision
    : await readRef(join(repoFolder(cache, repo), "refs", revision));
  if (commit === null) return null;
  const folder = join(repoFolder(cache, repo), "snapshots", commit);
  const files: HubFile[] = [];
  await collect(folder, "", files, 0);
  return files.length === 0 ? null : { commit, folder, files };
}

/** Commits of which the cache holds a snapshot, for an error that can name them. */
export async function listCachedCommits(cache: string, repo: string): Promise<string[]> {
  return (await entries(join(repoFolder(cache, repo), "snapshots"))).map((e) => e.name).filter(isCommit);
}

async function readRef(path: string): Promise<string | null> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > 100) return null;
    const text = (await readFile(path, "utf8")).trim();
    return isCommit(text) ? text : null;
  } catch {
    return null;
  }
}

async function collect(folder: string, prefix: string, files: HubFile[], depth: number): Promise<void> {
  for (const entry of await entries(folder)) {
    if (files.length >= MAX_FILES) return;
    const full = join(folder, entry.name);
    // Snapshots hold real folders and links to files; a link to a folder could lead in a circle.
    if (entry.isDirectory()) {
      if (depth < MAX_DEPTH) await collect(full, `${prefix}${entry.name}/`, files, depth + 1);
      continue;
    }
    const found = await stat(full).catch(() => null);
    if (found?.isFile()) files.push({ path: `${prefix}${entry.name}`, size: found.size });
  }
}

async function entries(folder: string): Promise<Dirent[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
