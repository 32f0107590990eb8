import type { Bytes } from "../../units.ts";

/**
 * Random access to the bytes of one file, wherever it lies. Header readers ask for few, large pieces,
 * so an implementation needs no cache of its own.
 */
export interface ByteSource {
  /** What error messages and results call the file: a path, a URL or a name inside a repository. */
  readonly name: string;
  /** The whole file's length; null while the other side has not said it, which the first read may change. */
  readonly size: Bytes | null;
  /**
   * The bytes at `offset`: exactly `length` of them, or fewer only because the file ends there
   * (none at all past the end). Never more. The reader does not write to them.
   *
   * @param scratch memory that the reader no longer needs, for the answer to lie in; a source may ignore it
   */
  read(offset: Bytes, length: Bytes, scratch?: Uint8Array): Promise<Uint8Array>;
  close?(): Promise<void>;
}

/** A file that is already in memory. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}
