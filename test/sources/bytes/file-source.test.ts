import { execFileSync } from "node:child_process";
import { chmodSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeStart } from "../../../src/sources/bytes/file-kind.ts";
import { openFileSource, unreadable } from "../../../src/sources/bytes/file-source.ts";
import { withFolder } from "./padded-source.ts";

const CONTENT = "0123456789";

describe("a local file", () => {
  test("gives the asked range, less only at its end", () =>
    withFolder({ f: CONTENT }, async (folder) => {
      const source = await openFileSource(join(folder, "f"), "name");
      expect([source.name, source.size]).toEqual(["name", 10]);
      const read = async (offset: number, length: number) =>
        new TextDecoder().decode(await source.read(offset, length));
      expect(await read(0, 10)).toBe(CONTENT);
      expect(await read(3, 4)).toBe("3456");
      expect(await read(8, 100)).toBe("89");
      expect(await read(10, 1)).toBe("");
      expect(await read(2 ** 52, 2 ** 20)).toBe("");
      expect(await read(5, 0)).toBe("");
      await source.close?.();
      await source.close?.();
    }));

  test("uses the scratch it is given when it is large enough", () =>
    withFolder({ f: CONTENT }, async (folder) => {
      const source = await openFileSource(join(folder, "f"));
      const scratch = new Uint8Array(6);
      const into = await source.read(0, 6, scratch);
      expect(into.buffer).toBe(scratch.buffer);
      expect((await source.read(0, 7, scratch)).buffer).not.toBe(scratch.buffer);
      expect(new TextDecoder().decode(scratch)).toBe("012345");
      await source.close?.();
    }));

  test("a demand of a terabyte takes no more memory than the file", () =>
    withFolder({ f: CONTENT }, async (folder) => {
      const source = await openFileSource(join(folder, "f"));
      expect((await source.read(0, 2 ** 40)).buffer.byteLength).toBe(10);
      await source.close?.();
    }));

  test("that shrinks under way gives what is left", () =>
    withFolder({ f: CONTENT }, async (folder) => {
      const source = await openFileSource(join(folder, "f"));
      truncateSync(join(folder, "f"), 4);
      expect((await source.read(2, 8)).length).toBe(2);
      expect((await source.read(6, 2)).length).toBe(0);
      await source.close?.();
    }));

  test.skipIf(process.platform === "win32")("a named pipe is refused at once, not waited for", () =>
    withFolder({}, async (folder) => {
      execFileSync("mkfifo", [join(folder, "pipe")]);
      await expect(openFileSource(join(folder, "pipe"))).rejects.toMatchObject({
        code: "unreadable-path",
        message: expect.stringMatching(/not a regular file; save its content to a file first/),
      });
    }),
  );

  test.skipIf(process.platform === "win32")("links that go round, and devices", () =>
    withFolder({}, async (folder) => {
      symlinkSync("b", join(folder, "a"));
      symlinkSync("a", join(folder, "b"));
      await expect(openFileSource(join(folder, "a"))).rejects.toThrow(/symbolic links form a loop/);
      await expect(openFileSource("/dev/zero")).rejects.toThrow(/not a regular file/);
    }),
  );

  const mayReadAll = process.platform === "win32" || process.getuid?.() === 0;
  test.skipIf(mayReadAll)(
    `closed to this user${mayReadAll ? " (skipped: this user may read everything)" : ""}`,
    () =>
      withFolder({ f: CONTENT }, async (folder) => {
        chmodSync(join(folder, "f"), 0);
        await expect(openFileSource(join(folder, "f"))).rejects.toThrow(
          /permission denied; make the file readable/,
        );
      }),
  );
});

test("unreadable: system errors become ours, anything else stays what it is", () => {
  const system = (code: string) => Object.assign(new Error("no"), { code });
  expect(unreadable("p", system("EBUSY"))).toMatchObject({ code: "unreadable-path", details: { path: "p" } });
  for (const bug of [new TypeError("x"), system("ERR_INVALID_ARG_TYPE"), "text"])
    expect(unreadable("p", bug)).toBe(bug);
});

test.for([
  ["version https://git-lfs.github.com/spec/v1", "a Git LFS pointer (run git lfs pull)"],
  ["GGUF\x03", "a GGUF file"],
  ["<html>", "a web page"],
  ["", null],
  ["abc", null],
] as const)("describeStart(%j)", ([text, kind]) => {
  expect(describeStart(new TextEncoder().encode(text))).toBe(kind);
});
