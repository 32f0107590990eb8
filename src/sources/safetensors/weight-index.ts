import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import {
  endJson,
  enterObject,
  type JsonBytes,
  nextKey,
  openJson,
  readString,
  skipValue,
  unexpected,
} from "../json/json-bytes.ts";
import { parseJson } from "../json/parse-json.ts";
import { readCanonicalWeightMap, type WeightMap } from "./canonical-weight-map.ts";
import type { IndexTotals } from "./tensor-file.ts";

/** A hundred bytes for each of the most tensors. */
const MAX_INDEX_BYTES: Bytes = 150_000_000;
/** 92 layers of 896 experts (Kimi K3), 3 linears each, stored as 4 tensors (NVFP4), are 989,184. */
export const MAX_CHECKPOINT_TENSORS = 1_200_000;
const MAX_SHARDS = 10_000;
const MAX_METADATA_LENGTH = 2 ** 16;
const MAP_LIMITS = { tensors: MAX_CHECKPOINT_TENSORS, shards: MAX_SHARDS };

/** `*.index.json`: which shard holds which tensor. */
export interface WeightIndex extends WeightMap {
  readonly file: string;
  /** `metadata.total_size`, where it is a whole number. Writers count differently; shards decide. */
  readonly totalBytes: Bytes | null;
  readonly totalParameters: number | null;
}

/**
 * Reads an index. A shard is named by a plain file name, so that none lies outside the index's folder, and
 * must end in `suffix`, so that none is an index.
 *
 * @throws malformed-file
 */
export async function readWeightIndex(
  source: ByteSource,
  suffix: ".safetensors" | ".bin",
): Promise<WeightIndex> {
  const bytes = await source.read(0, MAX_INDEX_BYTES + 1);
  const json = openJson(source.name, bytes);
  if (bytes.length > MAX_INDEX_BYTES) throw unexpected(json, 0, `at most ${MAX_INDEX_BYTES}`, "more bytes");
  let metadata: unknown;
  let map: WeightMap | undefined;
  enterObject(json);
  for (let index = 0; ; index++) {
    const key = nextKey(json, index);
    if (key === null) break;
    const start = json.at;
    if (key === "weight_map" && map === undefined)
      map = canonicalWeightMap(json, suffix) ?? anyWeightMap(json, suffix);
    else if (key === "weight_map") throw unexpected(json, start, "one", "a second weight_map");
    else {
      const text = skipValue(json);
      if (text.length > MAX_METADATA_LENGTH)
        throw unexpected(json, start, "a few totals", `${text.length} characters`);
      const value = parseJson(text, `${source.name}, in the value of "${key}"`);
      if (key === "metadata") metadata = value;
    }
  }
  endJson(json);
  if (map === undefined) throw unexpected(json, json.at, 'the key "weight_map"', "an index without one");
  if (map.shards.size === 0)
    throw unexpected(json, json.at, "a weight_map of tensors to files", "an empty one");
  const file = source.name;
  const [totalBytes, totalParameters] = [total(metadata, "total_size"), total(metadata, "total_parameters")];
  return { file, totalBytes, totalParameters, ...map };
}

/** Some writers give a total as a float or a text; those say nothing certain. */
function total(metadata: unknown, key: string): number | null {
  if (typeof metadata !== "object" || metadata === null || !Object.hasOwn(metadata, key)) return null;
  const value = (metadata as Record<string, unknown>)[key];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Reads the usual weight map, or null where it is another; what comes back is what `anyWeightMap` gives. */
export function canonicalWeightMap(json: JsonBytes, suffix: string): WeightMap | null {
  return readCanonicalWeightMap(json, MAP_LIMITS, (name) => isShardName(name, suffix));
}

/** Reads a weight map member by member, however it is written. */
export function anyWeightMap(json: JsonBytes, suffix: string): WeightMap {
  const shards = new Map<string, string[]>();
  let shard: string | undefined;
  let names: string[] = [];
  let tensors = 0;
  let lastName = "";
  let sorted = true;
  enterObject(json);
  for (;;) {
    const start = json.at;
    const name = nextKey(json, tensors);
    if (name === null) break;
    const valueStart = json.at;
    const next = readString(json, shard);
    if (next !== shard) {
      shard = next;
      names = shards.get(shard) ?? [];
      if (names.length === 0) {
        checkShardName(json, valueStart, { shard, suffix, tensor: name });
        shards.set(shard, names);
      }
    }
    names.push(name);
    tensors++;
    sorted &&= lastName < name;
    lastName = name;
    if (tensors > MAX_CHECKPOINT_TENSORS || shards.size > MAX_SHARDS)
      throw unexpected(
        json,
        start,
        `at most ${MAX_CHECKPOINT_TENSORS} tensors in ${MAX_SHARDS} files`,
        "a longer weight_map",
      );
  }
  // Writers sort their keys, and what is sorted holds none twice.
  if (!sorted) checkUnique(json.file, shards);
  return { tensors, shards };
}

const isShardName = (name: string, suffix: string): boolean =>
  /^[^/\\:\0]+$/.test(name) && name.endsWith(suffix);

function checkShardName(
  json: JsonBytes,
  at: number,
  entry: { readonly shard: string; readonly suffix: string; readonly tensor: string },
): void {
  const { shard, suffix, tensor } = entry;
  if (isShardName(shard, suffix)) return;
  const found = `"${shard.slice(0, 80)}" for tensor "${tensor}"`;
  throw unexpected(json, at, `the plain name of a ${suffix} file beside the index`, found);
}

function checkUnique(file: string, shards: ReadonlyMap<string, readonly string[]>): void {
  const seen = new Set<string>();
  for (const [shard, names] of shards) {
    for (const name of names) {
      if (seen.has(name))
        throw new VramCalcError("malformed-file", {
          file,
          found: `tensor "${name}" in ${shard} and once more`,
          expected: "each tensor once",
        });
      seen.add(name);
    }
  }
}

/**
 * What `pytorch_model.bin.index.json` says. The pickles themselves are never opened, so nothing confirms it.
 *
 * @throws malformed-file also when the index has no usable `metadata.total_size`
 */
export async function readPytorchIndex(source: ByteSource): Promise<IndexTotals> {
  const index = await readWeightIndex(source, ".bin");
  if (index.totalBytes === null)
    throw new VramCalcError("malformed-file", {
      file: source.name,
      where: 'key "metadata"',
      found: "no total_size",
      expected: "a number of bytes, or safetensors files beside it",
    });
  return {
    kind: "totals",
    file: source.name,
    source: "pytorch-index",
    totalBytes: index.totalBytes,
    parameters: index.totalParameters,
    tensors: index.tensors,
    files: [...index.shards.keys()],
  };
}
