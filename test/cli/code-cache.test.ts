import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { codeFolders } from "../../src/cli/code-cache.ts";
import { bundledBin } from "./bundled-bin.ts";

const bin = bundledBin();
const home = mkdtempSync(join(tmpdir(), "vram-calc-code-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const cache = join(home, "cache");
const folder = codeFolders({ XDG_CACHE_HOME: cache }).at(-1)!;
const ENV = { XDG_CACHE_HOME: cache, NODE_V8_COVERAGE: "", NODE_DISABLE_COMPILE_CACHE: "" };

const run = (env: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, "14B", "--dtype", "fp16"], {
    encoding: "utf8",
    env: { ...process.env, ...ENV, ...env },
  });
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("28,000,000,000 B");
};
const files = () => readdirSync(folder).sort();
const program = () => join(folder, files().find((name) => name.startsWith("run-"))!);

beforeEach(() => {
  rmSync(cache, { recursive: true, force: true });
});

describe("the code of a run is kept", () => {
  test("by the second run, in a folder that the first makes, for the third", () => {
    run();
    expect(files()).toEqual([]);
    expect(statSync(folder).mode & 0o777).toBe(process.platform === "win32" ? 0o666 : 0o700);
    run();
    expect(files().length).toBeGreaterThan(1);
    expect(files().every((name) => /^[\w-]+\.cjs\.bin$/.test(name))).toBe(true);
    const written = files().map((name) => statSync(join(folder, name)).mtimeMs);
    run();
    expect(files().map((name) => statSync(join(folder, name)).mtimeMs)).toEqual(written);
  });

  test.for([
    ["a flipped bit", (data: Buffer) => data.fill((data[5000]! ^ 4) & 0xff, 5000, 5001)],
    ["half of it", (data: Buffer) => data.subarray(0, data.length / 2)],
    ["an odd length", (data: Buffer) => data.subarray(1)],
    ["nothing", () => Buffer.alloc(0)],
    ["zeros", (data: Buffer) => Buffer.alloc(data.length)],
    ["something else", () => Buffer.from("abab")],
  ] as const)("and %s in it is found, run without and written again", ([, damage]) => {
    run();
    run();
    const whole = readFileSync(program());
    writeFileSync(program(), damage(Buffer.from(whole)));
    expect(readFileSync(program()).equals(whole)).toBe(false);
    run();
    const again = readFileSync(program());
    expect(again.length).toBeGreaterThan(1000);
    expect(again.subarray(0, again.length / 2).equals(again.subarray(again.length / 2))).toBe(true);
  });
});

describe("nothing is written", () => {
  test("when node's own switch for compiled code is off", () => {
    run({ NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(existsSync(cache)).toBe(false);
  });

  test("below a home that is not there", () => {
    run({ XDG_CACHE_HOME: "", HOME: join(home, "gone") });
    expect(readdirSync(home)).toEqual([]);
  });

  test("where a folder cannot be: at a file, at a name too long", () => {
    for (const path of [bin, `/${"x".repeat(5000)}`]) run({ XDG_CACHE_HOME: path });
    expect(statSync(bin).isFile()).toBe(true);
  });

  test("and nothing read where others can write", () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    run();
    run();
    expect(files()).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)("and nothing read in a folder of another user", () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chownSync(folder, 65534, 65534);
    run();
    run();
    expect(files()).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "into a folder of another user, whose folder for all it would be",
    () => {
      mkdirSync(cache);
      chownSync(cache, 65534, 65534);
      run();
      expect(readdirSync(cache)).toEqual([]);
    },
  );
});

describe("where", () => {
  const version = `code-${process.version}-${process.arch}`;
  test.skipIf(process.platform === "win32")("as the environment says, and only at a whole path", () => {
    expect(codeFolders({ HOME: "/h" })).toEqual([
      "/h/.cache",
      "/h/.cache/vram-calc",
      `/h/.cache/vram-calc/${version}`,
    ]);
    expect(codeFolders({ HOME: "/h", XDG_CACHE_HOME: "/x" }).at(-1)).toBe(`/x/vram-calc/${version}`);
    expect(codeFolders({ HOME: "/h", XDG_CACHE_HOME: "x" }).at(-1)).toBe(`/h/.cache/vram-calc/${version}`);
    expect(codeFolders({ HOME: "h" })).toEqual([]);
    expect(codeFolders({})).toEqual([]);
    expect(codeFolders({ HOME: "/h", NODE_V8_COVERAGE: "c" })).toEqual([]);
  });
});
