/** What of the model hub is meant. */
export interface HubReference {
  /** `org/name`. */
  readonly repo: string;
  /** A branch, tag or commit; the hub's default branch when absent. */
  readonly revision?: string;
  /** A path inside the repository. */
  readonly file?: string;
  /** A quantization label as GGUF repositories name their files: `Q4_K_M`. */
  readonly quant?: string;
}

/** The hub's rule for each half of an id (huggingface_hub at 0a57df9c, _validators.py): at most 96 in all. */
const NAME = `[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?`;
const ID = new RegExp(`^(${NAME}/${NAME})(?:@([^:@]+))?(?::(.+))?$`);
const REVISION = /^[A-Za-z0-9][\w.+/-]{0,254}$/;
const QUANT = /^[A-Za-z0-9][\w.-]{0,63}$/;
const FILE_ENDING = /\.(?:gguf|safetensors|json)$/i;
/** Sites whose page addresses are read as references, besides HF_ENDPOINT. */
const HUB_HOSTS: ReadonlySet<string> = new Set(["huggingface.co", "www.huggingface.co", "hf.co"]);
/** First steps of hub pages that are no model repositories. */
const OTHER_PAGES: ReadonlySet<string> = new Set(["api", "datasets", "spaces", "docs", "collections"]);

/**
 * Reads `org/name`, `org/name@revision`, `org/name:Q4_K_M`, `org/name:path/file.gguf`, with an optional
 * `hf.co/` or `hf://` in front. Anything else, path tricks included, is null: it may be a file name.
 *
 * @example parseHubReference("org/name@main:Q4_K_M") // { repo: "org/name", revision: "main", quant: "Q4_K_M" }
 */
export function parseHubReference(text: string): HubReference | null {
  if (text.length > 2000) return null;
  const match = ID.exec(text.trim().replace(/^(?:hf:\/\/|hf\.co\/|huggingface\.co\/)/, ""));
  if (match === null) return null;
  const [, repo, revision, tail] = match;
  if (repo === undefined || !isRepoId(repo)) return null;
  if (revision !== undefined && !isRevision(revision)) return null;
  const base = { repo, ...(revision !== undefined && { revision }) };
  if (tail === undefined) return base;
  if (FILE_ENDING.test(tail)) return isRepoPath(tail) ? { ...base, file: tail } : null;
  return QUANT.test(tail) ? { ...base, quant: tail } : null;
}

/**
 * Reads the address of a repository or file page of the hub, as copied from a browser:
 * `https://huggingface.co/org/name`, `.../tree/main`, `.../blob/main/file.gguf`, `.../resolve/...`.
 *
 * @param endpoint the hub in use, whose addresses are read the same way
 * @returns null for any other address, which is then fetched as it stands
 * @example parseHubUrl("https://huggingface.co/org/name/tree/v2", new URL("https://huggingface.co")) // { repo: "org/name", revision: "v2" }
 */
export function parseHubUrl(text: string, endpoint: URL): HubReference | null {
  const url = text.length <= 2000 && URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.password !== "") return null;
  const base = endpoint.pathname.replace(/\/$/, "");
  const isEndpoint = url.origin === endpoint.origin && url.pathname.startsWith(`${base}/`);
  if (!isEndpoint && !(url.protocol === "https:" && HUB_HOSTS.has(url.host))) return null;
  const parts = decodeParts(isEndpoint ? url.pathname.slice(base.length) : url.pathname);
  if (parts === null) return null;
  const [org, name, kind, revision, ...file] = parts;
  if (org === undefined || name === undefined) return null;
  const repo = `${org}/${name}`;
  if (!isRepoId(repo) || OTHER_PAGES.has(org)) return null;
  if (kind === undefined) return { repo };
  if (!["tree", "blob", "resolve", "raw"].includes(kind) || revision === undefined || !isRevision(revision))
    return null;
  if (kind === "tree" || file.length === 0) return { repo, revision };
  const path = file.join("/");
  return isRepoPath(path) ? { repo, revision, file: path } : null;
}

function decodeParts(pathname: string): string[] | null {
  try {
    return pathname
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    return null;
  }
}

function isRepoId(text: string): boolean {
  const shape = new RegExp(`^${NAME}/${NAME}$`);
  return text.length <= 96 && shape.test(text) && !/--|\.\.|\.git$/.test(text);
}

function isRevision(text: string): boolean {
  return REVISION.test(text) && isRepoPath(text);
}

/** True for a relative path without tricks: no empty, `.` or `..` step, no backslash, no control character. */
export function isRepoPath(path: string): boolean {
  return (
    path.length <= 1024 &&
    !/[\\\u0000-\u001f\u007f]/.test(path) &&
    path.split("/").every((step) => step !== "" && step !== "." && step !== "..")
  );
}

/** `org/name@revision`, as errors and reports call it. */
export function hubName(reference: {
  readonly repo: string;
  readonly revision?: string | undefined;
}): string {
  return reference.revision === undefined ? reference.repo : `${reference.repo}@${reference.revision}`;
}
