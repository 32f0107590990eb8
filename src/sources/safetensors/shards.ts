import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { countOf, firstMissing, type HeldNames } from "./name-lists.ts";
import { FIRST_READ, readNamedHeader } from "./safetensors-header.ts";
import { type StoredTensor, type TensorFile, type TensorFileNote, tensorFile } from "./tensor-file.ts";
import { MAX_CHECKPOINT_TENSORS, type WeightIndex } from "./weight-index.ts";

/** Opens a file by its plain name; the source is closed after reading. */
export type OpenFile = (fileName: string) => Promise<ByteSource>;

/** Shards opened ahead of the one being parsed. */
const AHEAD = 8;
/** All headers together; a model with a million tensors has 130 MB of them. */
const MAX_HEADERS_BYTES: Bytes = 2 ** 28;

/**
 * Reads the headers of a model's shards, each once, and joins them in the order of their names.
 *
 * With an index, every tensor that it lists must be in the shard that it says.
 *
 * @throws unreadable-path for a missing shard, malformed-file
 */
export async function readShards(
  shards: readonly string[],
  open: OpenFile,
  index?: WeightIndex,
): Promise<TensorFile> {
  const parts: TensorFile[] = [];
  let tensorCount = 0;
  let headerBytes = 0;
  let unlisted = 0;
  await inOrder([...shards].sort(), open, async (shard, { source, head }) => {
    const { part, names } = await readNamedHeader(source, head);
    parts.push(part);
    if (index !== undefined) unlisted += countUnlisted(names, index, shard);
    tensorCount += part.files[0]!.tensors;
    headerBytes += part.files[0]!.dataOffset;
    if (tensorCount > MAX_CHECKPOINT_TENSORS || headerBytes > MAX_HEADERS_BYTES)
      throw refuse(
        source.name,
        `${tensorCount} tensors in ${headerBytes} bytes of headers so far`,
        `at most ${MAX_CHECKPOINT_TENSORS} in ${MAX_HEADERS_BYTES}`,
      );
  });
  const [first] = parts;
  if (first !== undefined && parts.length === 1 && index === undefined) return first;
  const totalBytes = parts.reduce((sum, part) => sum + part.totalBytes, 0);
  const { metadata = new Map() } = first ?? {};
  const files = parts.flatMap((part) => part.files);
  const notes = index === undefined ? [] : notesOn(index, { unlisted, totalBytes });
  const file = tensorFile(() => rowsOf(parts), { metadata, totalBytes, files, notes });
  // What an index lists, and no more, is in one shard each.
  if (index === undefined || unlisted > 0) checkUnique(file.tensors);
  return file;
}

/** Takes the parts out as it goes, so that no shard lies in memory in both forms for longer than its turn. */
function rowsOf(parts: TensorFile[]): StoredTensor[] {
  const rows: StoredTensor[] = [];
  parts.reverse();
  for (let part = parts.pop(); part !== undefined; part = parts.pop())
    for (const tensor of part.tensors) rows.push(tensor);
  return rows;
}

interface OpenedShard {
  readonly source: ByteSource;
  readonly head: Uint8Array;
}

/** Opens and reads ahead, but only the first piece: a long header is read when its turn comes. */
async function inOrder(
  shards: readonly string[],
  open: OpenFile,
  visit: (shard: string, opened: OpenedShard) => Promise<void>,
): Promise<void> {
  const start = async (shard: string): Promise<OpenedShard> => {
    const source = await open(shard);
    try {
      return { source, head: await source.read(0, FIRST_READ) };
    } catch (cause) {
      await source.close?.();
      throw cause;
    }
  };
  const started: Promise<OpenedShard>[] = [];
  let next = 0;
  try {
    for (const shard of shards) {
      for (; next < shards.length && started.length < AHEAD; next++) {
        const begun = start(shards[next]!);
        // Should an earlier shard fail, nobody awaits this one.
        begun.catch(() => {});
        started.push(begun);
      }
      const opened = await started[0]!;
      await visit(shard, opened);
      started.shift();
      await opened.source.close?.();
    }
  } finally {
    for (const begun of started) {
      await begun.then(
        ({ source }) => source.close?.(),
        () => {},
      );
    }
  }
}

/** How many tensors of a shard the index does not list; those that it lists, each once, must all be there. */
function countUnlisted(held: HeldNames, index: WeightIndex, shard: string): number {
  const listed = index.shards.get(shard) ?? [];
  const missing = firstMissing(listed, held);
  if (missing !== null)
    throw refuse(index.file, `tensor "${missing}" in ${shard}`, "a tensor that this shard holds");
  // A million names need not be kept twice.
  index.shards.delete(shard);
  return countOf(held) - countOf(listed);
}

function checkUnique(tensors: readonly StoredTensor[]): void {
  const seen = new Map<string, string>();
  for (const { name, file } of tensors) {
    const other = seen.get(name);
    if (other !== undefined)
      throw refuse(file, `tensor "${name}", which ${other} also holds`, "it in one file");
    seen.set(name, file);
  }
}

function notesOn(
  index: WeightIndex,
  found: { readonly unlisted: number; readonly totalBytes: Bytes },
): TensorFileNote[] {
  const { unlisted, totalBytes } = found;
  const notes: TensorFileNote[] = [];
  if (unlisted > 0)
    notes.push({
      code: "unlisted-tensors",
      message: `${index.file} does not name ${unlisted} of the tensors that its shards hold; they are counted`,
    });
  if (index.totalBytes !== null && index.totalBytes !== totalBytes)
    notes.push({
      code: "total-size-differs",
      message:
        `${index.file} gives a total_size of ${groupDigits(index.totalBytes)} bytes, ` +
        `its shards hold ${groupDigits(totalBytes)}; the shards count`,
    });
  return notes;
}

function refuse(file: string, found: string, expected: string): VramCalcError {
  return new VramCalcError("malformed-file", { file, found, expected });
}
