import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listFiles as listFilesByHuggingFace } from "@huggingface/hub";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { createHttpClient } from "../../../src/sources/http/http-client.ts";
import type { HubReference } from "../../../src/sources/hub/hub-reference.ts";
import { type HubOptions, resolveHub } from "../../../src/sources/hub/resolve-hub.ts";
import { pattern } from "../http/loopback.ts";
import { type MockHub, type MockHubOptions, type MockRepo, startMockHub, TOKEN } from "./mock-hub.ts";

const MAIN = "1".repeat(40);
const DEV = "2".repeat(40);
const WEIGHTS = pattern(600_000);
const REPO: MockRepo = {
  id: "org/name",
  commit: MAIN,
  branches: { dev: DEV, "refs/pr/1": DEV },
  files: { "config.json": '{"a":1}', "model.safetensors": WEIGHTS, "sub/a b#%.txt": "odd name" },
  large: ["model.safetensors"],
};

let home = "";
let running: MockHub[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "vram-calc-hub-"));
});
afterEach(async () => {
  await Promise.all(running.map((mock) => mock.close()));
  running = [];
  await rm(home, { recursive: true });
});

async function start(options: Partial<MockHubOptions> = {}): Promise<MockHub> {
  const mock = await startMockHub({ repos: [REPO], ...options });
  running.push(mock);
  return mock;
}

/** The listing for a reference from this hub, with an empty cache unless a test fills it. */
function resolve(mock: Pick<MockHub, "endpoint">, reference: HubReference, more: Partial<HubOptions> = {}) {
  const client = createHttpClient({ limits: { idleMs: 300, totalMs: 3000 }, sleep: async () => {} });
  const env = { HF_ENDPOINT: mock.endpoint, HF_HOME: home, ...more.env };
  return resolveHub(reference, { client, ...more, env });
}

async function failureOf(promise: Promise<unknown>): Promise<VramCalcError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(VramCalcError);
  return error as VramCalcError;
}

async function cacheFiles(commit: string, files: Readonly<Record<string, string>>, ref = "main") {
  const repo = join(home, "hub", "models--org--name");
  await mkdir(join(repo, "refs"), { recursive: true });
  await writeFile(join(repo, "refs", ref), commit);
  for (const [path, text] of Object.entries(files)) {
    const full = join(repo, "snapshots", commit, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, text);
  }
}

describe("from the hub", () => {
  test("main is resolved to its commit, listed with sizes and read at that commit", async () => {
    const mock = await start();
    const listing = await resolve(mock, { repo: "org/name" });
    expect(listing).toMatchObject({
      repo: "org/name",
      revision: "main",
      commit: MAIN,
      origin: "network",
      notes: [],
    });
    expect(listing.files).toEqual([
      { path: "config.json", size: 7 },
      { path: "model.safetensors", size: 600_000 },
      { path: "sub/a b#%.txt", size: 8 },
    ]);
    expect(await listing.readText("config.json", 1000)).toBe('{"a":1}');
    expect(await listing.readText("sub/a b#%.txt", 1000)).toBe("odd name");
    const source = await listing.open("model.safetensors");
    expect([source.name, source.size]).toEqual(["org/name:model.safetensors", 600_000]);
    expect(await source.read(8, 64)).toEqual(WEIGHTS.slice(8, 72));
    expect(mock.hub.seen.map((s) => s.url)).toEqual([
      "/api/models/org/name/revision/main",
      `/api/models/org/name/tree/${MAIN}?recursive=1`,
      `/org/name/resolve/${MAIN}/config.json`,
      `/org/name/resolve/${MAIN}/sub/a%20b%23%25.txt`,
      `/org/name/resolve/${MAIN}/model.safetensors`,
    ]);
    expect(mock.cdn.seen.map((s) => s.range)).toEqual(["bytes=8-262151"]);
  });

  test("a branch with slashes is one step of the path", async () => {
    const mock = await start();
    expect((await resolve(mock, { repo: "org/name", revision: "refs/pr/1" })).commit).toBe(DEV);
    expect(mock.hub.seen[0]?.url).toBe("/api/models/org/name/revision/refs%2Fpr%2F1");
  });

  test("a full commit id costs one request less and stays what it is", async () => {
    const mock = await start();
    expect((await resolve(mock, { repo: "org/name", revision: DEV })).commit).toBe(DEV);
    expect(mock.hub.seen.length).toBe(1);
  });

  test("a mirror below a path is asked below that path", async () => {
    const mock = await start({ prefix: "/mirror/hub" });
    const listing = await resolve({ endpoint: `${mock.endpoint}/` }, { repo: "org/name" });
    expect(await listing.readText("config.json", 1000)).toBe('{"a":1}');
    expect(mock.hub.seen[0]?.url).toBe("/mirror/hub/api/models/org/name/revision/main");
  });

  const many: MockRepo = {
    ...REPO,
    files: Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`f${i + 10}/x.bin`, "x".repeat(i)])),
    large: [],
  };

  test("25 files in 25 folders by 7 entries are 8 pages, and no file is lost", async () => {
    const mock = await start({ repos: [many], pageSize: 7 });
    const listing = await resolve(mock, { repo: "org/name" });
    expect(listing.files).toEqual(
      Object.entries(many.files).map(([path, text]) => ({ path, size: text.length })),
    );
    expect(mock.hub.seen.length).toBe(1 + 8);
  });

  test("the next page is asked from this hub even where the link names another host", async () => {
    const mock = await start({ repos: [many], pageSize: 30, linkOrigin: "https://huggingface.co" });
    expect((await resolve(mock, { repo: "org/name" })).files.length).toBe(25);
  });

  test("@huggingface/hub lists the same paths and sizes from the same server", async () => {
    const mock = await start({ repos: [many], pageSize: 7 });
    const theirs: unknown[] = [];
    for await (const entry of listFilesByHuggingFace({
      repo: "org/name",
      revision: MAIN,
      recursive: true,
      hubUrl: mock.endpoint,
    }))
      if (entry.type === "file") theirs.push({ path: entry.path, size: entry.size });
    expect((await resolve(mock, { repo: "org/name" })).files).toEqual(theirs);
    expect(theirs.length).toBe(25);
  });

  test("a file that is not listed cannot be opened", async () => {
    const listing = await resolve(await start(), { repo: "org/name" });
    for (const path of ["absent.gguf", "../x", "sub"]) {
      const error = await failureOf(listing.open(path));
      expect([error.code, error.exitCode]).toEqual(["unreadable-path", 2]);
    }
  });

  test("a text above its bound is refused from its listed size, without a request", async () => {
    const mock = await start();
    const listing = await resolve(mock, { repo: "org/name" });
    const error = await failureOf(listing.readText("model.safetensors", 1000));
    expect(error.message).toBe("org/name:model.safetensors: found 600,000 bytes, expected at most 1,000.");
    expect(mock.hub.seen.length).toBe(2);
  });
});

describe("the token", () => {
  test("goes to the hub in every request and never to the CDN", async () => {
    const mock = await start({ repos: [{ ...REPO, access: "private" }] });
    const listing = await resolve(mock, { repo: "org/name" }, { env: { HF_TOKEN: TOKEN } });
    await (await listing.open("model.safetensors")).read(0, 8);
    await listing.readText("config.json", 100);
    expect(mock.hub.seen.map((s) => s.authorization)).toEqual(Array(4).fill(`Bearer ${TOKEN}`));
    expect(mock.cdn.seen.map((s) => s.authorization)).toEqual([undefined]);
  });

  test("is read from HF_HOME/token", async () => {
    await writeFile(join(home, "token"), `${TOKEN}\n`);
    const mock = await start({ repos: [{ ...REPO, access: "private" }] });
    expect((await resolve(mock, { repo: "org/name" })).commit).toBe(MAIN);
  });

  test("is not sent where a page link or a redirect of the hub names another host", async () => {
    const away = await start({ repos: [REPO] });
    const mock = await start({
      misbehave: (request, response) => {
        if (!request.url!.includes("/tree/")) return false;
        response.writeHead(307, { location: `${away.hub.otherOrigin}${request.url}` }).end();
        return true;
      },
    });
    await resolve(mock, { repo: "org/name" }, { env: { HF_TOKEN: TOKEN } });
    expect(away.hub.seen.map((s) => s.authorization)).toEqual([undefined]);
  });
});

describe("refusals are told apart", () => {
  const gated: MockRepo = { ...REPO, access: "gated" };
  const hidden: MockRepo = { ...REPO, access: "private" };
  const bad = { HF_TOKEN: "hf_wrong" };
  const good = { HF_TOKEN: TOKEN };
  const page = "http://127.0.0.1:PORT/org/name";
  const ROWS: {
    title: string;
    repo: MockRepo;
    ask?: Partial<HubReference>;
    env?: Record<string, string>;
    exit: number;
    says: string;
  }[] = [
    {
      title: "missing or private, no token",
      repo: hidden,
      exit: 3,
      says: "org/name: no public repository has this name: it is missing, or private; check the spelling; for a private one set HF_TOKEN.",
    },
    {
      title: "missing, with a token",
      repo: REPO,
      ask: { repo: "org/typo" },
      env: good,
      exit: 3,
      says: "org/typo: your token can see no such repository; check the spelling, or ask its owner for access.",
    },
    {
      title: "a token that the hub refuses",
      repo: REPO,
      env: bad,
      exit: 3,
      says: "org/name: the hub refused your token; log in again (hf auth login), or unset HF_TOKEN to go without.",
    },
    {
      title: "gated, no token",
      repo: gated,
      exit: 3,
      says: `org/name: the repository is gated; accept its terms at ${page}, then set HF_TOKEN.`,
    },
    {
      title: "gated, a token without access",
      repo: gated,
      env: good,
      exit: 3,
      says: `org/name: the repository is gated and your token has no access; ask for access at ${page}.`,
    },
    {
      title: "no such revision",
      repo: REPO,
      ask: { revision: "v9" },
      exit: 2,
      says: `cannot read org/name@v9: the repository has no revision "v9"; see ${page}/tree/main.`,
    },
    {
      title: "no such commit",
      repo: REPO,
      ask: { revision: "9".repeat(40) },
      exit: 2,
      says: `the repository has no revision "${"9".repeat(40)}"`,
    },
  ];
  test.for(ROWS)("$title: exit code $exit", async ({ repo, ask, env, exit, says }) => {
    const mock = await start({ repos: [repo] });
    const run = async () => {
      const listing = await resolve(mock, { repo: "org/name", ...ask }, env === undefined ? {} : { env });
      await listing.readText("config.json", 1000);
    };
    const error = await failureOf(run());
    expect(error.message).toContain(says.replace("PORT", new URL(mock.endpoint).port));
    expect(error.exitCode).toBe(exit);
    expect(error.message).not.toMatch(/hf_wrong|hf_mock/);
  });

  test("a gated file says the same when its header is read", async () => {
    const listing = await resolve(await start({ repos: [gated] }), { repo: "org/name" });
    const source = await listing.open("model.safetensors");
    expect((await failureOf(source.read(0, 8))).message).toMatch(
      /the repository is gated; accept its terms at/,
    );
  });

  const HEADS = [
    { status: 403, says: "the hub forbids it; check the permissions of your token" },
    { status: 403, message: "no scope", says: 'the hub forbids it ("no scope")' },
    { status: 403, message: "Access to this resource is disabled.", says: "the hub has disabled access" },
    { status: 404, says: "no public repository has this name" },
    { status: 451, says: "the hub answered 451; check the id or try again later." },
    { status: 416, says: "the hub answered 416" },
  ];
  test.for(HEADS)("a bare $status $message: one sentence, exit code 3", async ({ status, message, says }) => {
    const mock = await start({
      misbehave: (_, response) => {
        response.writeHead(status, message === undefined ? {} : { "x-error-message": message }).end();
        return true;
      },
    });
    const error = await failureOf(resolve(mock, { repo: "org/name" }));
    expect(error.message).toContain(says);
    expect(error.exitCode).toBe(3);
  });
});

describe("a hub that misbehaves", () => {
  const json = (value: unknown) => JSON.stringify(value);
  const endless = (n: number) => ({ link: `<http://x/y?cursor=${n}>; rel="next"` });
  let page = 0;
  const ROWS: {
    title: string;
    tree?: string;
    revision?: string;
    head?: () => Record<string, string>;
    says: RegExp;
  }[] = [
    {
      title: "a login page",
      revision: "<html>Sign in</html>",
      says: /an answer that is not JSON; check HF_ENDPOINT/,
    },
    { title: "an empty answer", revision: "", says: /not JSON/ },
    { title: "no commit", revision: json({}), says: /no commit in its answer/ },
    { title: "a commit that is a path", revision: json({ sha: "../../x" }), says: /no commit in its answer/ },
    { title: "null", revision: "null", says: /no commit in its answer/ },
    {
      title: "a listing that is no list",
      tree: json({ error: "x" }),
      says: /a file listing that is not a list/,
    },
    { title: "8 million brackets", tree: "[".repeat(8_000_000), says: /not JSON/ },
    { title: "9 MiB of listing", tree: " ".repeat(9 * 2 ** 20), says: /sent more than the 8388608 bytes/ },
    {
      title: "10 GB of listing, announced",
      tree: "[",
      head: () => ({ "content-length": "10000000000" }),
      says: /the answer has 10000000000 bytes, the most for a text is 8388608/,
    },
    { title: "pages in a circle", tree: "[]", head: () => endless(1), says: /goes in a circle/ },
    { title: "pages without end", tree: "[]", head: () => endless(++page), says: /more than 50 pages/ },
  ];
  test.for(ROWS)("$title is one sentence, exit code 3", async ({ tree, revision, head, says }) => {
    const mock = await start({
      misbehave: (request, response) => {
        const body = request.url!.includes("/tree/") ? tree : revision;
        if (body === undefined) return false;
        response.writeHead(200, head?.() ?? {}).end(body);
        return true;
      },
    });
    const error = await failureOf(resolve(mock, { repo: "org/name" }));
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^org\/name|^http/);
    expect(error.exitCode).toBe(3);
  });

  test("odd entries of a listing are left out: they name nothing that could be asked for", async () => {
    const entries = [
      null,
      7,
      { type: "file" },
      { type: "directory", path: "sub", size: 0 },
      { type: "file", path: "../up", size: 1 },
      { type: "file", path: "/etc/passwd", size: 1 },
      { type: "file", path: "a\\b", size: 1 },
      { type: "file", path: "a\u0000b", size: 1 },
      { type: "file", path: "negative", size: -1 },
      { type: "file", path: "huge", size: 1e300 },
      { type: "file", path: "pointer", size: 134, lfs: { size: 5_000_000_000 } },
    ];
    const mock = await start({
      misbehave: (request, response) => {
        if (!request.url!.includes("/tree/")) return false;
        response.end(json(entries));
        return true;
      },
    });
    expect((await resolve(mock, { repo: "org/name" })).files).toEqual([
      { path: "negative", size: null },
      { path: "huge", size: null },
      { path: "pointer", size: 5_000_000_000 },
    ]);
  });

  test("a text whose server sends 10 GB instead of its listed size is cut off, exit code 3", async () => {
    const mock = await start({
      misbehave: (request, response) => {
        if (!request.url!.includes("/resolve/")) return false;
        const zeros = new Uint8Array(65_536);
        const pump = () => {
          while (response.write(zeros));
        };
        response.on("drain", pump);
        pump();
        return true;
      },
    });
    const listing = await resolve(mock, { repo: "org/name" });
    const error = await failureOf(listing.readText("config.json", 100_000));
    expect(error.message).toMatch(/sent more than the 100000 bytes/);
    expect([error.exitCode, mock.hub.sentBytes() < 16 * 2 ** 20]).toEqual([3, true]);
  });

  test("a config that is not UTF-8 is malformed, exit code 2", async () => {
    const repo = { ...REPO, files: { "config.json": Uint8Array.of(0xff, 0xfe, 0x7b, 0) }, large: [] };
    const listing = await resolve(await start({ repos: [repo] }), { repo: "org/name" });
    const error = await failureOf(listing.readText("config.json", 100));
    expect([error.code, error.exitCode]).toEqual(["malformed-file", 2]);
  });

  test("a hub that hangs is left after the idle limit", async () => {
    const mock = await start({ misbehave: () => true });
    const error = await failureOf(resolve(mock, { repo: "org/name" }));
    expect(error.message).toMatch(/no answer for 0\.3 s/);
    expect(error.exitCode).toBe(3);
  });
});

describe("the local cache", () => {
  const whole = { "config.json": '{"cached":1}', "model.safetensors": "12345" };
  const dead = { endpoint: "http://127.0.0.1:9" };

  test("an id that is downloaded needs no network at all", async () => {
    await cacheFiles(MAIN, whole);
    const mock = await start();
    const listing = await resolve(mock, { repo: "org/name" });
    expect(listing).toMatchObject({ commit: MAIN, revision: "main", origin: "cache", notes: [] });
    expect(listing.files).toEqual([
      { path: "config.json", size: 12 },
      { path: "model.safetensors", size: 5 },
    ]);
    expect(await listing.readText("config.json", 100)).toBe('{"cached":1}');
    const source = await listing.open("model.safetensors");
    expect(new TextDecoder().decode(await source.read(1, 3))).toBe("234");
    await source.close?.();
    expect(mock.hub.seen).toEqual([]);
  });

  test("a branch and a commit are found in it too", async () => {
    await cacheFiles(DEV, whole, "dev");
    expect((await resolve(dead, { repo: "org/name", revision: "dev" })).commit).toBe(DEV);
    expect((await resolve(dead, { repo: "org/name", revision: DEV })).origin).toBe("cache");
  });

  test("cache: ignore asks the hub even for what is downloaded", async () => {
    await cacheFiles(MAIN, { "config.json": '{"a":2}' });
    const listing = await resolve(await start(), { repo: "org/name" }, { cache: "ignore" });
    expect([listing.origin, await listing.readText("config.json", 100)]).toEqual(["network", '{"a":1}']);
  });

  test("a config without weights is not enough while the hub answers, but saves its request", async () => {
    await cacheFiles(MAIN, { "config.json": '{"a":2}' });
    const mock = await start();
    const listing = await resolve(mock, { repo: "org/name" });
    expect([listing.origin, listing.files.length]).toEqual(["network", 3]);
    expect(await listing.readText("config.json", 100)).toBe('{"a":2}');
    expect(mock.hub.seen.length).toBe(2);
  });

  test("a config without weights serves when the hub cannot be reached, with a note", async () => {
    await cacheFiles(MAIN, { "config.json": "{}" });
    const listing = await resolve(dead, { repo: "org/name" });
    expect([listing.origin, listing.commit]).toEqual(["cache", MAIN]);
    expect(listing.notes).toMatchObject([{ code: "hub-cache-fallback", details: { commit: MAIN } }]);
  });

  test("with nothing cached an unreachable hub is exit code 3", async () => {
    const error = await failureOf(resolve(dead, { repo: "org/name" }));
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:9\/api\/models\/org\/name\/revision\/main: /);
    expect(error.exitCode).toBe(3);
  });

  test("another quantization than the cached one is asked from the hub", async () => {
    await cacheFiles(MAIN, { "m-Q8_0.gguf": "GGUF" });
    const mock = await start();
    expect((await resolve(mock, { repo: "org/name", quant: "Q8_0" })).origin).toBe("cache");
    expect((await resolve(mock, { repo: "org/name", quant: "Q4_0" })).origin).toBe("network");
  });
});

describe("HF_HUB_OFFLINE=1", () => {
  const offline = { HF_HUB_OFFLINE: "1" };

  test("serves a config alone, and sends nothing", async () => {
    await cacheFiles(MAIN, { "config.json": "{}" });
    const mock = await start();
    const listing = await resolve(mock, { repo: "org/name" }, { env: offline });
    expect([listing.origin, mock.hub.seen.length]).toEqual(["cache", 0]);
  });

  const ROWS: { title: string; ask: Partial<HubReference>; says: RegExp }[] = [
    {
      title: "another repository",
      ask: { repo: "org/other" },
      says: /fetch it first with hf download org\/other/,
    },
    {
      title: "another branch",
      ask: { revision: "v2" },
      says: new RegExp(`try org/name@${MAIN}, or go online`),
    },
    { title: "another quantization", ask: { quant: "Q4_0" }, says: /it holds other revisions or files/ },
  ];
  test.for(ROWS)("$title is exit code 3 and sends nothing", async ({ ask, says }) => {
    await cacheFiles(MAIN, { "config.json": "{}" });
    const mock = await start();
    const error = await failureOf(resolve(mock, { repo: "org/name", ...ask }, { env: offline }));
    expect(error.message).toMatch(/offline, and not in the hub cache at /);
    expect(error.message).toMatch(says);
    expect([error.exitCode, mock.hub.seen.length]).toEqual([3, 0]);
  });

  test("needs no readable HF_ENDPOINT or token", async () => {
    await cacheFiles(MAIN, { "config.json": "{}" });
    const env = { ...offline, HF_ENDPOINT: "nonsense", HF_TOKEN: "two words" };
    expect((await resolve({ endpoint: "" }, { repo: "org/name" }, { env })).origin).toBe("cache");
  });
});

describe("references built by hand", () => {
  test.for([
    { repo: "../../etc" },
    { repo: "org/name/../x" },
    { repo: "org/name", revision: "../../../x" },
    { repo: "org/name", file: "../x.gguf" },
    { repo: "name" },
  ])("$repo $revision $file is refused, exit code 2", async (reference) => {
    const error = await failureOf(resolve({ endpoint: "http://127.0.0.1:9" }, reference));
    expect([error.code, error.exitCode]).toEqual(["bad-option", 2]);
  });
});
