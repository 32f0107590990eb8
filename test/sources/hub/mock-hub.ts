import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Loopback, serveBytes, startLoopback } from "../http/loopback.ts";

/** A token that the mock accepts. */
export const TOKEN = "hf_mockAcceptedToken";

export interface MockRepo {
  readonly id: string;
  readonly commit: string;
  /** Besides `main`. */
  readonly branches?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Files that the hub keeps on its CDN and answers with a redirect. */
  readonly large?: readonly string[];
  readonly access?: "public" | "private" | "gated";
}

export interface MockHub {
  readonly hub: Loopback;
  readonly cdn: Loopback;
  /** `HF_ENDPOINT` for this hub. */
  readonly endpoint: string;
  readonly close: () => Promise<void>;
}

export interface MockHubOptions {
  readonly repos: readonly MockRepo[];
  /** Entries of a listing page; the real hub sends 1,000. */
  readonly pageSize?: number;
  /** Path in front of every route, as a company's mirror has it. */
  readonly prefix?: string;
  /** The origin that `Link: rel="next"` names, where it is not this hub's own. */
  readonly linkOrigin?: string;
  /** Answers first; true means that it did. */
  readonly misbehave?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/** A hub that speaks the paths and headers of huggingface.co for models, on loopback, with its own CDN. */
export async function startMockHub(options: MockHubOptions): Promise<MockHub> {
  const { repos, pageSize = 1000, prefix = "", linkOrigin, misbehave } = options;
  const cdn = await startLoopback((request, response) => {
    const [, owner, name, ...path] = new URL(request.url!, "http://x").pathname
      .split("/")
      .map(decodeURIComponent);
    const repo = repos.find((r) => r.id === `${owner}/${name}`);
    serveBytes(request, response, bytesOf(repo!.files[path.join("/")]!));
  });

  const listener: RequestListener = (request, response) => {
    if (misbehave?.(request, response) === true) return;
    const url = new URL(request.url!, hub.origin);
    const refuse = (status: number, code: string, message: string) => {
      response.writeHead(status, { "x-error-code": code, "x-error-message": message });
      response.end(JSON.stringify({ error: message }));
    };
    const token = request.headers.authorization;
    if (token !== undefined && token !== `Bearer ${TOKEN}`)
      return refuse(401, "", "Invalid credentials in Authorization header");
    const steps = url.pathname
      .slice(prefix.length + 1)
      .split("/")
      .map(decodeURIComponent);
    const isApi = steps[0] === "api";
    const [owner, name, verb, revision, ...path] = isApi ? steps.slice(2) : steps;
    const repo = repos.find((r) => r.id === `${owner}/${name}`);
    if (repo === undefined || (repo.access === "private" && token === undefined))
      return refuse(token === undefined ? 401 : 404, "RepoNotFound", "Repository not found");
    const commit = commitOf(repo, revision!);
    if (commit === undefined) return refuse(404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    const json = (value: unknown) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (isApi && verb === "revision") return json({ id: repo.id, sha: commit, siblings: [] });
    if (isApi && verb === "tree") {
      const from = Number(url.searchParams.get("cursor") ?? "0");
      const entries = treeOf(repo);
      if (from + pageSize < entries.length) {
        url.searchParams.set("cursor", String(from + pageSize));
        const next = `${linkOrigin ?? hub.origin}${linkOrigin === undefined ? url.pathname : "/elsewhere"}${url.search}`;
        response.setHeader("link", `<${next}>; rel="next"`);
      }
      return json(entries.slice(from, from + pageSize));
    }
    if (verb !== "resolve") return refuse(404, "", "Not found");
    if (repo.access === "gated")
      return refuse(
        token === undefined ? 401 : 403,
        "GatedRepo",
        `Access to model ${repo.id} is restricted.`,
      );
    const file = path.join("/");
    const content = repo.files[file];
    if (content === undefined) return refuse(404, "EntryNotFound", "Entry not found");
    response.setHeader("x-repo-commit", commit);
    if (repo.large?.includes(file)) {
      const location = `${cdn.otherOrigin}/${repo.id}/${path.map(encodeURIComponent).join("/")}?signature=secret`;
      response.writeHead(302, { location }).end();
      return;
    }
    serveBytes(request, response, bytesOf(content));
  };

  const hub: Loopback = await startLoopback(listener);
  return {
    hub,
    cdn,
    endpoint: `${hub.origin}${prefix}`,
    close: async () => {
      await Promise.all([hub.close(), cdn.close()]);
    },
  };
}

function commitOf(repo: MockRepo, revision: string): string | undefined {
  if (revision === "main" || revision === repo.commit) return repo.commit;
  const branches = repo.branches ?? {};
  return branches[revision] ?? Object.values(branches).find((commit) => commit === revision);
}

function treeOf(repo: MockRepo): unknown[] {
  const folders = new Set<string>();
  const files = Object.entries(repo.files).map(([path, content]) => {
    const parts = path.split("/");
    for (let i = 1; i < parts.length; i++) folders.add(parts.slice(0, i).join("/"));
    const size = bytesOf(content).byteLength;
    const oid = "0".repeat(40);
    return repo.large?.includes(path)
      ? { type: "file", oid, size, path, lfs: { oid: "0".repeat(64), size, pointerSize: 134 } }
      : { type: "file", oid, size, path };
  });
  return [
    ...[...folders].map((path) => ({ type: "directory", oid: "0".repeat(40), size: 0, path })),
    ...files,
  ];
}
