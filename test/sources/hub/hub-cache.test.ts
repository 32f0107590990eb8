import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coverage } from "../../../src/sources/hub/cache-coverage.ts";
import { listCachedCommits, readCachedSnapshot } from "../../../src/sources/hub/hub-cache.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const C = "c".repeat(40);
let cache = "";

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "vram-calc-cache-"));
  const repo = join(cache, "models--org--name");
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    await writeFile(join(repo, path), text);
  };
  await write("refs/main", A);
  await write("refs/refs/pr/1", `${B}\n`);
  await write("refs/dangling", C);
  await write("refs/odd", "../../../etc");
  await write("refs/long", "a".repeat(5000));
  await write("blobs/0001", "{}");
  await write("blobs/0002", "12345");
  await write(`snapshots/${A}/real.txt`, "abc");
  await write(`snapshots/${B}/config.json`, "{}");
  await mkdir(join(repo, `snapshots/${A}/sub`));
  await symlink("../../blobs/0001", join(repo, `snapshots/${A}/config.json`));
  await symlink("../../../blobs/0002", join(repo, `snapshots/${A}/sub/model.gguf`));
  await symlink("../../blobs/gone", join(repo, `snapshots/${A}/broken.safetensors`));
  await symlink("..", join(repo, `snapshots/${A}/circle`));
});
afterAll(() => rm(cache, { recursive: true }));

describe("readCachedSnapshot", () => {
  const files = [
    { path: "config.json", size: 2 },
    { path: "real.txt", size: 3 },
    { path: "sub/model.gguf", size: 5 },
  ];
  test("main: sizes are those of the blobs; broken links and links to folders are left out", async () => {
    const found = await readCachedSnapshot(cache, { repo: "org/name" });
    expect(found).toEqual({ commit: A, folder: join(cache, "models--org--name", "snapshots", A), files });
  });

  test.for([
    { revision: A, commit: A },
    { revision: B, commit: B },
    { revision: "refs/pr/1", commit: B },
    { revision: "dangling", commit: undefined },
    { revision: "odd", commit: undefined },
    { revision: "long", commit: undefined },
    { revision: "refs", commit: undefined },
    { revision: "absent", commit: undefined },
    { revision: C, commit: undefined },
  ])("$revision is commit $commit", async ({ revision, commit }) => {
    expect((await readCachedSnapshot(cache, { repo: "org/name", revision }))?.commit).toBe(commit);
  });

  test("a repository or cache that is not there is null", async () => {
    expect(await readCachedSnapshot(cache, { repo: "org/other" })).toBeNull();
    expect(await readCachedSnapshot(join(cache, "nowhere"), { repo: "org/name" })).toBeNull();
  });

  test("listCachedCommits names what is there", async () => {
    expect(await listCachedCommits(cache, "org/name")).toEqual([A, B]);
    expect(await listCachedCommits(cache, "org/other")).toEqual([]);
  });
});

describe("coverage", () => {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const ROWS = [
    { paths: ["config.json"], is: "config" },
    { paths: ["config.json", "model.safetensors"], is: "whole" },
    { paths: ["config.json", ...shards], is: "whole" },
    { paths: ["config.json", shards[0]!], is: "config" },
    { paths: ["config.json", "pytorch_model.bin"], is: "whole" },
    { paths: ["config.json", "training_args.bin"], is: "config" },
    { paths: shards, is: "none" },
    { paths: ["README.md"], is: "none" },
    { paths: ["m-Q8_0.gguf"], is: "whole" },
    { paths: ["m-Q8_0.gguf", "m-Q4_0.gguf"], is: "none" },
    { paths: ["m-Q8_0-00001-of-00002.gguf"], is: "none" },
    { paths: ["m-Q8_0.gguf", "m-Q4_0.gguf"], ask: { quant: "Q4_0" }, is: "whole" },
    { paths: ["m-Q8_0.gguf", "config.json"], ask: { quant: "Q4_0" }, is: "none" },
    { paths: ["m-Q8_0.gguf"], ask: { file: "m-Q8_0.gguf" }, is: "whole" },
    { paths: ["config.json"], ask: { file: "config.json" }, is: "whole" },
    { paths: ["config.json"], ask: { file: "model.safetensors" }, is: "none" },
  ];
  test.for(ROWS)("$paths asked for $ask: $is", ({ paths, ask, is }) => {
    const files = paths.map((path) => ({ path, size: 1 }));
    expect(coverage(files, { repo: "org/name", ...ask })).toBe(is);
  });
});
