import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ByteSource } from "../../../src/sources/bytes/byte-source.ts";

/** A file of `size` bytes that begins with `head` and goes on with zeros: tensor data takes no room. */
export function paddedSource(name: string, head: Uint8Array, size: number): ByteSource {
  return {
    name,
    size,
    read: async (offset, length) => {
      const end = Math.min(offset + length, size);
      const bytes = new Uint8Array(Math.max(0, end - offset));
      if (offset < head.length) bytes.set(head.subarray(offset, Math.min(end, head.length)));
      return bytes;
    },
  };
}

/** The same source, with a size that nobody told. */
export const withoutSize = (source: ByteSource): ByteSource => ({ ...source, size: null });

/** The same source, a few bytes at a time: never more than a demand, so that every boundary is met. */
export function countReads(source: ByteSource): { source: ByteSource; reads: [number, number][] } {
  const reads: [number, number][] = [];
  const read: ByteSource["read"] = (offset, length) => {
    reads.push([offset, length]);
    return source.read(offset, length);
  };
  return { source: { name: source.name, size: source.size, read }, reads };
}

/** A directory that lives as long as `use`. Files may be longer than their bytes: zeros follow, sparsely. */
export async function withFolder<T>(
  files: { readonly [name: string]: Uint8Array | string | readonly [head: Uint8Array, size: number] },
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "vram-calc-test-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      if (dirname(name) !== ".") throw new Error("plain names only");
      const [bytes, size] = Array.isArray(content) ? content : [content, undefined];
      writeFileSync(path, bytes as Uint8Array | string);
      if (size !== undefined) truncateSync(path, size as number);
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
