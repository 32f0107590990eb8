import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeText, readBoundedTextFile } from "../../../src/sources/json/text-file.ts";
import { withFolder } from "../bytes/padded-source.ts";

test("text up to the limit is read, a byte more is refused", () =>
  withFolder({ "a.txt": "0123456789" }, async (folder) => {
    const path = join(folder, "a.txt");
    expect(await readBoundedTextFile(path, 10)).toBe("0123456789");
    await expect(readBoundedTextFile(path, 9)).rejects.toThrow(
      `${path}: found 10 bytes, expected at most 9.`,
    );
  }));

test("a file of 100 GB is refused unread", () =>
  withFolder({ "a.json": [new Uint8Array(1), 100e9] }, async (folder) => {
    await expect(readBoundedTextFile(join(folder, "a.json"), 1e6)).rejects.toThrow(/100,000,000,000 bytes/);
  }));

test("a byte order mark goes, text beyond ASCII stays", () =>
  withFolder({ "a.txt": "\uFEFFé漢😀" }, async (folder) => {
    expect(await readBoundedTextFile(join(folder, "a.txt"), 100)).toBe("é漢😀");
  }));

test("UTF-16 is named", () => {
  expect(() => decodeText(new Uint8Array([0xff, 0xfe, 0x7b, 0]), "f")).toThrow(
    "f: found UTF-16 text, expected UTF-8 text.",
  );
  expect(() => decodeText(new Uint8Array([0x7b, 0xff]), "f")).toThrow(/bytes that are not text/);
});

test("paths that cannot be read say why and what to do", () =>
  withFolder({ "a.txt": "" }, async (folder) => {
    mkdirSync(join(folder, "d"));
    for (const [name, says] of [
      ["b.txt", /no such file or directory; check the spelling/],
      ["d", /it is a directory; give a file inside it/],
      ["a.txt/b", /a part of the path is a file/],
      ["\0", /NUL/],
      ["x".repeat(300), /too long/],
    ] as const)
      await expect(readBoundedTextFile(join(folder, name), 10)).rejects.toMatchObject({
        code: "unreadable-path",
        message: expect.stringMatching(says),
      });
  }));

test.skipIf(!existsSync("/proc/self/status"))(
  "a file that claims no size, as in /proc, is read to its end",
  async () => {
    expect(await readBoundedTextFile("/proc/self/status", 1e6)).toMatch(/^Name:/);
    await expect(readBoundedTextFile("/proc/self/status", 10)).rejects.toThrow(
      /found 11 bytes, expected at most 10/,
    );
  },
);
