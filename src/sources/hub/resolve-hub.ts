import { join } from "node:path";
import type { Note } from "../../architecture/model.ts";
import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { openFileSource } from "../bytes/file-source.ts";
import type { HttpClient } from "../http/http-client.ts";
import { httpSource } from "../http/http-source.ts";
import { readBoundedTextFile } from "../json/text-file.ts";
import { coverage } from "./cache-coverage.ts";
import { fileUrl, type HubAccess, listFiles, readHubText, resolveCommit } from "./hub-api.ts";
import { type CachedSnapshot, type HubFile, listCachedCommits, readCachedSnapshot } from "./hub-cache.ts";
import {
  type Environment,
  hubCacheFolder,
  hubCredential,
  hubEndpoint,
  isHubOffline,
} from "./hub-environment.ts";
import { type HubReference, hubName, isRepoPath, parseHubReference } from "./hub-reference.ts";
import { hubRefusal } from "./hub-refusal.ts";

export interface HubOptions {
  readonly client: HttpClient;
  /** `process.env`, or what stands in for it. */
  readonly env: Environment;
  /** True never touches the network. Defaults to what HF_HUB_OFFLINE says. */
  readonly offline?: boolean;
  /** `ignore` asks the hub even for what is downloaded. */
  readonly cache?: "prefer" | "ignore";
}

/** A repository at one commit, ready to read. */
export interface HubListing {
  readonly repo: string;
  /** As asked for; `main` when nothing was. */
  readonly revision: string;
  /** What `revision` stood for: `org/name@<commit>` names the same files for ever. */
  readonly commit: string;
  readonly files: readonly HubFile[];
  readonly origin: "cache" | "network";
  readonly notes: readonly Note[];
  /** @throws unreadable-path for a path that is not in `files` */
  readonly open: (path: string) => Promise<ByteSource>;
  /** The file as text. @throws malformed-file when it is longer than `maxBytes` or no UTF-8 */
  readonly readText: (path: string, maxBytes: Bytes) => Promise<string>;
}

/**
 * Finds a hub repository: in the local cache when all that is asked for is there, else on the hub, and
 * when the hub cannot be reached, in the cache with at least a config (which adds a note).
 *
 * A file that the cache holds at the listing's commit is read from there even when the hub was asked.
 *
 * @throws source-unavailable when neither has it, or the repository is gated or not to be seen;
 * unreadable-path for a revision that is not there; bad-option for a malformed reference or HF_ENDPOINT
 */
export async function resolveHub(reference: HubReference, options: HubOptions): Promise<HubListing> {
  checkReference(reference);
  const { client, env } = options;
  const offline = options.offline ?? isHubOffline(env);
  const folder = hubCacheFolder(env);
  const cached = options.cache === "ignore" ? null : await readCachedSnapshot(folder, reference);
  const covered = cached === null ? "none" : coverage(cached.files, reference);
  if (cached !== null && (covered === "whole" || (offline && covered === "config")))
    return fromCache(reference, cached, []);
  if (offline) throw await notCached(reference, folder);

  const endpoint = hubEndpoint(env);
  const access: HubAccess = { client, endpoint, credential: await hubCredential(env, endpoint) };
  try {
    const commit = await resolveCommit(access, reference);
    const files = await listFiles(access, reference, commit);
    const local = await readCachedSnapshot(folder, { repo: reference.repo, revision: commit });
    return fromNetwork(reference, {
      access,
      commit,
      files,
      local: options.cache === "ignore" ? null : local,
    });
  } catch (error) {
    const isAway = error instanceof VramCalcError && error.code === "source-unavailable";
    if (!isAway || cached === null || covered === "none") throw error;
    return fromCache(reference, cached, [
      {
        code: "hub-cache-fallback",
        message: `${hubName(reference)} was read from the local cache, without weights, because the hub gave no answer`,
        details: { commit: cached.commit, reason: error.message },
      },
    ]);
  }
}

/** References built by hand are checked like typed ones: their parts become paths and addresses. */
function checkReference(reference: HubReference): void {
  const typed = parseHubReference(hubName(reference));
  const isSafe =
    typed?.repo === reference.repo &&
    typed.revision === reference.revision &&
    (reference.file === undefined || isRepoPath(reference.file));
  if (!isSafe)
    throw new VramCalcError("bad-option", {
      option: "the hub id",
      given: `"${hubName(reference).slice(0, 200)}"`,
      expected: "org/name, org/name@revision or org/name:Q4_K_M",
    });
}

function fromCache(reference: HubReference, cached: CachedSnapshot, notes: readonly Note[]): HubListing {
  const { commit, files, folder } = cached;
  const known = fileTable(reference, files);
  return {
    repo: reference.repo,
    revision: reference.revision ?? "main",
    commit,
    files,
    origin: "cache",
    notes,
    open: async (path) => openFileSource(join(folder, known(path).path), `${hubName(reference)}:${path}`),
    readText: async (path, maxBytes) => readBoundedTextFile(join(folder, known(path).path), maxBytes),
  };
}

interface NetworkSnapshot {
  readonly access: HubAccess;
  readonly commit: string;
  readonly files: readonly HubFile[];
  readonly local: CachedSnapshot | null;
}

function fromNetwork(reference: HubReference, snapshot: NetworkSnapshot): HubListing {
  const { access, commit, files, local } = snapshot;
  const known = fileTable(reference, files);
  const localPath = ({ path, size }: HubFile): string | null =>
    local?.files.some((f) => f.path === path && f.size === size) ? join(local.folder, path) : null;
  return {
    repo: reference.repo,
    revision: reference.revision ?? "main",
    commit,
    files,
    origin: "network",
    notes: [],
    open: async (path) => {
      const file = known(path);
      const here = localPath(file);
      if (here !== null) return openFileSource(here, `${hubName(reference)}:${path}`);
      return httpSource(access.client, {
        url: fileUrl(access.endpoint, { repo: reference.repo, commit, path }),
        name: `${hubName(reference)}:${path}`,
        ...(file.size !== null && { size: file.size }),
        credential: access.credential,
        explain: (answer) =>
          hubRefusal(answer, {
            reference,
            endpoint: access.endpoint,
            file: path,
            hasToken: access.credential !== undefined,
          }),
      });
    },
    readText: async (path, maxBytes) => {
      const file = known(path);
      const here = localPath(file);
      if (here !== null) return readBoundedTextFile(here, maxBytes);
      checkLength(`${hubName(reference)}:${path}`, file.size, maxBytes);
      return readHubText(access, reference, { commit, path, maxBytes });
    },
  };
}

function fileTable(reference: HubReference, files: readonly HubFile[]): (path: string) => HubFile {
  const table = new Map(files.map((file) => [file.path, file]));
  return (path) => {
    const file = table.get(path);
    if (file !== undefined) return file;
    throw new VramCalcError("unreadable-path", {
      path: `${hubName(reference)}:${path}`,
      reason: "the repository has no such file",
      hint: "check the name",
    });
  };
}

function checkLength(file: string, size: Bytes | null, maxBytes: Bytes): void {
  if (size !== null && size > maxBytes)
    throw new VramCalcError("malformed-file", {
      file,
      found: `${groupDigits(size)} bytes`,
      expected: `at most ${groupDigits(maxBytes)}`,
    });
}

async function notCached(reference: HubReference, folder: string): Promise<VramCalcError> {
  const commits = await listCachedCommits(folder, reference.repo);
  const hint =
    commits.length > 0
      ? `it holds other revisions or files: try ${reference.repo}@${commits[0]}, or go online`
      : `go online, or fetch it first with hf download ${reference.repo}`;
  return new VramCalcError("source-unavailable", {
    source: hubName(reference),
    reason: `offline, and not in the hub cache at ${folder}`,
    hint,
  });
}
