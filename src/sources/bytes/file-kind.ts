/** How well-known files begin, in Latin-1. */
const STARTS: readonly (readonly [start: string, kind: string])[] = [
  ["version https://git-lfs", "a Git LFS pointer (run git lfs pull)"],
  ["GGUF", "a GGUF file"],
  ["PK\x03\x04", "a ZIP archive, as PyTorch writes"],
  ["\x80\x02", "a Python pickle, as PyTorch writes"],
  ["<!", "a web page"],
  ["<html", "a web page"],
  ["{", "JSON"],
];

/**
 * What a file seems to be, by its first bytes, or null: for the message about one that is not what its
 * name says.
 */
export function describeStart(bytes: Uint8Array): string | null {
  const head = String.fromCharCode(...bytes.subarray(0, 32));
  return STARTS.find(([start]) => head.startsWith(start))?.[1] ?? null;
}
