import { VramCalcError } from "../../errors.ts";
import { type Bytes, groupDigits } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { FIRST_READ, readSafetensorsHeader } from "./safetensors-header.ts";
import type { StoredFile, StoredTensor, TensorFile, TensorFileNote } from "./tensor-file.ts";
import { MAX_CHECKPOINT_TENSORS, type WeightIndex } from "./weight-index.ts";

/** Opens a file by its plain name; the source is closed after reading. */
export type OpenFile = (fileName: string) => Promise<ByteSource>;

/** Shards opened ahead of the one being parsed. */
const AHEAD = 8;
/** All headers together; a model with half a million tensors has 75 MB of them. */
const MAX_HEADERS_BYTES: Bytes = 2 ** 28;

/** A tensor's name and where it stands in the joined list. */
type Places = Map<string, number>;

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
  const inOrder = [...shards].sort();
  const tensors: StoredTensor[] = [];
  const places: Places = new Map();
  const files: StoredFile[] = [];
  const fileOf = new Map<string, StoredFile>();
  let metadata: TensorFile["metadata"] = new Map();
  let totalBytes = 0;
  let headerBytes = 0;
  for await (const [shard, part] of readInOrder(inOrder, open)) {
    if (files.length === 0) metadata = part.metadata;
    const file = part.files[0]!;
    files.push(file);
    fileOf.set(shard, file);
    totalBytes += part.totalBytes;
    headerBytes += file.dataOffset;
    for (const tensor of part.tensors) {
      const elsewhere = places.get(tensor.name);
      if (elsewhere !== undefined)
        throw refuse(
          file.name,
          `tensor "${tensor.name}", which ${tensors[elsewhere]!.file} also holds`,
          "it once",
        );
      places.set(tensor.name, tensors.length);
      tensors.push(tensor);
    }
    if (tensors.length > MAX_CHECKPOINT_TENSORS || headerBytes > MAX_HEADERS_BYTES)
      throw refuse(
        file.name,
        `${tensors.length} tensors in ${headerBytes} bytes of headers so far`,
        `at most ${MAX_CHECKPOINT_TENSORS} in ${MAX_HEADERS_BYTES}`,
      );
  }
  const joined = { kind: "tensors", tensors, metadata, totalBytes, files } as const;
  if (index === undefined) return { ...joined, notes: [] };
  checkIndex(index, joined, { places, files: index.shards.map((shard) => fileOf.get(shard)!.name) });
  return { ...joined, notes: notesOn(index, joined) };
}

/** Opens and reads ahead, but only the first piece: a long header is read when its turn comes. */
async function* readInOrder(
  shards: readonly string[],
  open: OpenFile,
): AsyncGenerator<readonly [shard: string, part: TensorFile]> {
  const started: Promise<{ source: ByteSource; head: Uint8Array }>[] = [];
  const start = async (shard: string) => {
    const source = await open(shard);
    try {
      return { source, head: await source.read(0, FIRST_READ) };
    } catch (cause) {
      await source.close?.();
      throw cause;
    }
  };
  let next = 0;
  try {
    for (const shard of shards) {
      while (next < shards.length && started.length < AHEAD) {
        const begun = start(shards[next++]!);
        // Should an earlier shard fail, nobody awaits this one.
        begun.catch(() => {});
        started.push(begun);
      }
      const { source, head } = await started[0]!;
      const part = await readSafetensorsHeader(source, head);
      started.shift();
      await source.close?.();
      yield [shard, part];
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

function checkIndex(
  index: WeightIndex,
  model: Pick<TensorFile, "tensors">,
  found: { readonly places: Places; readonly files: readonly string[] },
): void {
  const listed = new Uint8Array(model.tensors.length);
  index.tensorNames.forEach((name, i) => {
    const file = found.files[index.shardOf[i]!]!;
    const place = found.places.get(name);
    if (place === undefined)
      throw refuse(index.file, `tensor "${name}" in ${file}`, "a tensor that this shard holds");
    const holder = model.tensors[place]!.file;
    if (holder !== file) throw refuse(index.file, `tensor "${name}" in ${file}`, `${holder}, which holds it`);
    if (listed[place] === 1) throw refuse(index.file, `tensor "${name}" twice`, "each tensor once");
    listed[place] = 1;
  });
}

function notesOn(index: WeightIndex, model: Pick<TensorFile, "tensors" | "totalBytes">): TensorFileNote[] {
  const notes: TensorFileNote[] = [];
  const unlisted = model.tensors.length - index.tensorNames.length;
  if (unlisted > 0)
    notes.push({
      code: "unlisted-tensors",
      message: `${index.file} does not name ${unlisted} of the tensors that its shards hold; they are counted`,
    });
  if (index.totalBytes !== null && index.totalBytes !== model.totalBytes)
    notes.push({
      code: "total-size-differs",
      message:
        `${index.file} gives a total_size of ${groupDigits(index.totalBytes)} bytes, ` +
        `its shards hold ${groupDigits(model.totalBytes)}; the shards count`,
    });
  return notes;
}

function refuse(file: string, found: string, expected: string): VramCalcError {
  return new VramCalcError("malformed-file", { file, found, expected });
}
