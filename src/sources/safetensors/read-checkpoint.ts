import { opendir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VramCalcError } from "../../errors.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { openFileSource, unreadable } from "../bytes/file-source.ts";
import { type OpenFile, readShards } from "./shards.ts";
import type { IndexTotals, TensorFile } from "./tensor-file.ts";
import { chooseWeightFiles, shardSet } from "./weight-files.ts";
import { readPytorchIndex, readWeightIndex } from "./weight-index.ts";

/** A directory has as many entries as someone likes; a model's has a few hundred. */
const MAX_ENTRIES = 100_000;

/** A directory or repository. */
export interface CheckpointPlace {
  /** What messages call it. */
  readonly name: string;
  /** The plain names of its files. */
  readonly fileNames: readonly string[];
  readonly open: OpenFile;
}

/**
 * Reads what the headers of a local model say: a directory, a `.safetensors` file or an `*.index.json`.
 * Totals alone come back for a PyTorch index, and for a directory only where nothing better lies in it.
 *
 * @throws unreadable-path, malformed-file
 */
export async function readCheckpoint(path: string): Promise<TensorFile | IndexTotals> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    (cause: unknown) => {
      throw unreadable(path, cause);
    },
  );
  if (isDirectory) {
    const open: OpenFile = (fileName) => openFileSource(join(path, fileName));
    return await readCheckpointAt({ name: path, fileNames: await listFiles(path), open });
  }
  const open: OpenFile = (name) => openFileSource(name === basename(path) ? path : join(dirname(path), name));
  return await readWeightFile(basename(path), open);
}

async function listFiles(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(path)) {
      names.push(entry.name);
      if (names.length === MAX_ENTRIES) break;
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return names.sort();
}

/** As `readCheckpoint` for a directory, from anywhere. */
export async function readCheckpointAt(place: CheckpointPlace): Promise<TensorFile | IndexTotals> {
  const chosen = chooseWeightFiles(place.fileNames);
  switch (chosen.kind) {
    case "index":
    case "pytorch-index":
      return await readWeightFile(chosen.index, place.open);
    case "shards":
      return await readShards(chosen.shards, place.open);
    case "none":
      throw new VramCalcError("unreadable-path", {
        path: place.name,
        reason: chosen.reason,
        hint: chosen.hint,
      });
  }
}

/**
 * Reads one weight file; for an index the shards beside it, and for a shard its siblings.
 *
 * @param open opens files by plain name, `fileName` among them
 */
export async function readWeightFile(fileName: string, open: OpenFile): Promise<TensorFile | IndexTotals> {
  if (!fileName.endsWith(".json")) {
    const shards = shardSet(fileName) ?? [fileName];
    const hint = `${fileName} is one of ${shards.length} shards, so download all of them`;
    return await readShards(shards, (name) => (name === fileName ? open(name) : expected(name, open, hint)));
  }
  const source = await open(fileName);
  try {
    if (/\.bin\.index(\.[\w-]+)?\.json$/.test(fileName)) return await readPytorchIndex(source);
    const index = await readWeightIndex(source, ".safetensors");
    return await readShards([...index.shards.keys()], listedBy(source, open), index);
  } finally {
    await source.close?.();
  }
}

/** Says of a shard that is not there who expects it. */
function listedBy(index: ByteSource, open: OpenFile): OpenFile {
  return (fileName) => expected(fileName, open, `${basename(index.name)} lists it, so download all shards`);
}

async function expected(fileName: string, open: OpenFile, hint: string): Promise<ByteSource> {
  try {
    return await open(fileName);
  } catch (cause) {
    if (!(cause instanceof VramCalcError) || cause.code !== "unreadable-path") throw cause;
    const { path, reason } = cause.details as VramCalcError<"unreadable-path">["details"];
    throw new VramCalcError("unreadable-path", { path, reason, hint }, { cause });
  }
}
