import type { JsonBytes } from "../json/json-bytes.ts";
import type { ListedNames } from "./name-lists.ts";
import {
  addSpan,
  labelAt,
  lastFollows,
  mayHoldSpans,
  type NameSpans,
  noSpans,
  setLabel,
  sharedBytes,
  tableOf,
  viewOf,
  withoutRoom,
} from "./name-spans.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** Names of 40 characters for the tensor and the shard, and what is around them. */
const USUAL_ENTRY_BYTES = 90;

/** The members of a weight map. */
export interface WeightMap {
  /** How many tensors it lists; no name is listed twice. */
  readonly tensors: number;
  /** Shards by file name, in order of appearance, and the names of the tensors in each until they are checked. */
  readonly shards: Map<string, ListedNames>;
}

export interface WeightMapLimits {
  readonly tensors: number;
  readonly shards: number;
}

/**
 * Reads the weight map that begins at `json.at`, for names and shards in plain ASCII, each name once.
 *
 * Null for anything else, right or wrong, with `json` as it was: the caller then reads it member by member.
 *
 * @param isShard whether a shard may be called so
 */
export function readCanonicalWeightMap(
  json: JsonBytes,
  limits: WeightMapLimits,
  isShard: (name: string) => boolean,
): WeightMap | null {
  const { bytes } = json;
  if (!mayHoldSpans(bytes)) return null;
  const view = viewOf(bytes);
  const room = noSpans(view, USUAL_ENTRY_BYTES, limits.tensors);
  const shards = new Map<string, number>();
  let [shard, shardStart, shardLength] = [0, 0, bytes.length];
  let sorted = true;
  let at = afterSpace(bytes, json.at);
  if (bytes[at] !== OPEN_BRACE) return null;
  do {
    at = afterSpace(bytes, at + 1);
    if (bytes[at] !== QUOTE) return null;
    const quote = addSpan(room, at + 1);
    if (quote === -1) return null;
    sorted &&= lastFollows(room);
    at = afterSpace(bytes, quote + 1);
    if (bytes[at] !== COLON) return null;
    at = afterSpace(bytes, at + 1);
    if (bytes[at] !== QUOTE) return null;
    // With its quotes: a name that only begins like the one before is another.
    if (sharedBytes(view, at, view, shardStart, shardLength) < shardLength) {
      const end = bytes.indexOf(QUOTE, at + 1);
      const name = bytes.toString("latin1", at + 1, end);
      if (end === -1 || hasControl(name)) return null;
      const known = shards.get(name);
      if (known === undefined && (!isShard(name) || shards.size === limits.shards)) return null;
      shard = known ?? shards.size;
      shards.set(name, shard);
      [shardStart, shardLength] = [at, end + 1 - at];
    }
    setLabel(room, room.count - 1, shard);
    at = afterSpace(bytes, at + shardLength);
  } while (bytes[at] === COMMA);
  if (bytes[at] !== CLOSE_BRACE) return null;
  const spans = withoutRoom(room);
  // Writers sort their keys, and what is sorted holds none twice.
  if (!sorted && tableOf(spans) === null) return null;
  json.at = at + 1;
  const chosen = byShard(spans, shards.size);
  const listed = [...shards].map(([name, number]) => [name, { spans, chosen: chosen[number]! }] as const);
  return { tensors: spans.count, shards: new Map(listed) };
}

function afterSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let c = bytes[at]; c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; ) c = bytes[++at];
  return at;
}

const hasControl = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return false;
};

/** The indexes of each shard's names, in order. */
function byShard(spans: NameSpans, shards: number): Uint32Array[] {
  const counts = new Uint32Array(shards);
  for (let index = 0; index < spans.count; index++) counts[labelAt(spans, index)]!++;
  const lists = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (let index = 0; index < spans.count; index++) {
    const shard = labelAt(spans, index);
    lists[shard]![counts[shard]!++] = index;
  }
  return lists;
}
