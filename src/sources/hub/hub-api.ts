import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { AnswerHead, Credential } from "../http/exchange.ts";
import type { HttpClient } from "../http/http-client.ts";
import { TEXT_LIMIT } from "../http/http-limits.ts";
import { decodeText } from "../json/text-file.ts";
import { type HubFile, isCommit } from "./hub-cache.ts";
import { type HubReference, hubName, isRepoPath } from "./hub-reference.ts";
import { hubRefusal } from "./hub-refusal.ts";

/** One hub, one way in. */
export interface HubAccess {
  readonly client: HttpClient;
  readonly endpoint: URL;
  readonly credential: Credential | undefined;
}

/** Pages of 1,000 entries: 50,000 files, which no model needs. */
const MAX_PAGES = 50;

/** The address of a hub path below the endpoint, each step encoded. */
function hubUrl(endpoint: URL, steps: readonly string[]): URL {
  const base = endpoint.pathname.replace(/\/$/, "");
  return new URL(`${endpoint.origin}${base}/${steps.map(encodeURIComponent).join("/")}`);
}

/** Where a file's bytes are, at a commit: `/org/name/resolve/<commit>/<path>`. */
export function fileUrl(endpoint: URL, at: { repo: string; commit: string; path: string }): URL {
  return hubUrl(endpoint, [...at.repo.split("/"), "resolve", at.commit, ...at.path.split("/")]);
}

/**
 * The commit that a revision names now, from `/api/models/<id>/revision/<revision>`. A full commit id
 * names itself and costs no request.
 */
export async function resolveCommit(access: HubAccess, reference: HubReference): Promise<string> {
  const { repo, revision = "main" } = reference;
  if (isCommit(revision)) return revision;
  const url = hubUrl(access.endpoint, ["api", "models", ...repo.split("/"), "revision", revision]);
  const { value } = await getJson(access, reference, url);
  const commit = typeof value === "object" && value !== null && "sha" in value ? value.sha : undefined;
  if (typeof commit !== "string" || !isCommit(commit))
    throw notTheHub(hubName(reference), "no commit in its answer");
  return commit;
}

/** All files at a commit with their sizes, from `/api/models/<id>/tree/<commit>?recursive=1`, page by page. */
export async function listFiles(
  access: HubAccess,
  reference: HubReference,
  commit: string,
): Promise<HubFile[]> {
  const url = hubUrl(access.endpoint, ["api", "models", ...reference.repo.split("/"), "tree", commit]);
  url.search = "?recursive=1";
  const files: HubFile[] = [];
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { value, head } = await getJson(access, reference, url);
    if (!Array.isArray(value)) throw notTheHub(hubName(reference), "a file listing that is not a list");
    for (const entry of value) {
      const file = readEntry(entry);
      if (file !== null) files.push(file);
    }
    const next = nextPage(head);
    if (next === null) return files;
    if (next === url.search) throw notTheHub(hubName(reference), "a file listing that goes in a circle");
    // Only the query is taken: behind a mirror the link names the original hub.
    url.search = next;
  }
  throw notTheHub(hubName(reference), `a file listing of more than ${MAX_PAGES} pages`);
}

/** A file entry, or null for a folder and for names that could not be asked for safely. */
function readEntry(entry: unknown): HubFile | null {
  if (typeof entry !== "object" || entry === null) return null;
  const { type, path, size, lfs } = entry as Record<string, unknown>;
  if (type !== "file" || typeof path !== "string" || !isRepoPath(path)) return null;
  const stored = typeof lfs === "object" && lfs !== null && "size" in lfs ? lfs.size : size;
  const known = typeof stored === "number" && Number.isSafeInteger(stored) && stored >= 0;
  return { path, size: known ? stored : null };
}

/** The query of `Link: <...>; rel="next"` (RFC 8288), or null on the last page. */
function nextPage(head: AnswerHead): string | null {
  const link = (head.headers.get("link") ?? "").slice(0, 8192);
  for (const part of link.split(/,\s*(?=<)/)) {
    const target = /^\s*<([^>]*)>\s*;.*\brel="?next"?/.exec(part)?.[1];
    if (target !== undefined && URL.canParse(target, head.url.href)) return new URL(target, head.url).search;
  }
  return null;
}

/** A small text file at a commit. `maxBytes` bounds what is taken, whatever the server sends. */
export async function readHubText(
  access: HubAccess,
  reference: HubReference,
  input: { readonly commit: string; readonly path: string; readonly maxBytes: Bytes },
): Promise<string> {
  const { commit, path, maxBytes } = input;
  const url = fileUrl(access.endpoint, { repo: reference.repo, commit, path });
  const body = await getBody(access, reference, { url, file: path, maxBytes });
  return decodeText(body.bytes, `${hubName(reference)}:${path}`);
}

async function getJson(
  access: HubAccess,
  reference: HubReference,
  url: URL,
): Promise<{ readonly value: unknown; readonly head: AnswerHead }> {
  const { bytes, head } = await getBody(access, reference, { url, maxBytes: TEXT_LIMIT });
  try {
    return { value: JSON.parse(new TextDecoder().decode(bytes)), head };
  } catch {
    throw notTheHub(hubName(reference), "an answer that is not JSON");
  }
}

async function getBody(
  access: HubAccess,
  reference: HubReference,
  input: { readonly url: URL; readonly file?: string; readonly maxBytes: Bytes },
): Promise<{ readonly bytes: Uint8Array; readonly head: AnswerHead }> {
  const { url, file, maxBytes } = input;
  const answer = await access.client.get({
    url,
    credential: access.credential,
    bodyLimit: (head) => {
      if (head.status !== 200) return 0;
      const declared = head.headers.get("content-length");
      if (declared !== null && Number(declared) > maxBytes)
        throw new VramCalcError("source-unavailable", {
          source: file === undefined ? hubName(reference) : `${hubName(reference)}:${file}`,
          reason: `the answer has ${declared} bytes, the most for a text is ${maxBytes}`,
          hint: "check HF_ENDPOINT and the id",
        });
      return maxBytes;
    },
  });
  const hasToken = access.credential !== undefined;
  if (answer.status !== 200)
    throw hubRefusal(answer, { reference, endpoint: access.endpoint, file, hasToken });
  return { bytes: answer.body, head: answer };
}

function notTheHub(source: string, what: string): VramCalcError {
  return new VramCalcError("source-unavailable", {
    source,
    reason: `the hub sent ${what}`,
    hint: "check HF_ENDPOINT, or whether a proxy or login page is in between",
  });
}
