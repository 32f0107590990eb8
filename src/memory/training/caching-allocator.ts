/**
 * PyTorch's caching allocator for one stream (torch 2.1 to 2.13, `c10/cuda/CUDACachingAllocator.cpp`, default settings), without
 * a card. What decides how much it reserves:
 *
 *     a request is rounded up to 512 B; up to 1 MiB it comes from segments of 2 MiB, below 10 MiB from segments of 20 MiB, above
 *     from a segment of its own, rounded up to 2 MiB
 *     the smallest free block that is large enough is taken, and split when the rest is 512 B or more (1 MiB in large segments)
 *     a freed block joins free neighbours in its segment; segments never join and stay reserved
 *     when the card is full, wholly free segments are given back before running out of memory
 *
 * @example 600 MB, freed, then 650 MB: 600 waits for something smaller, so 1,252 MB are reserved
 */
import type { Bytes } from "../../units.ts";
import { allocated } from "./tape.ts";

const MIB = 2 ** 20;
const SMALL_REQUEST: Bytes = MIB;
const SMALL_SEGMENT: Bytes = 2 * MIB;
const MEDIUM_REQUEST: Bytes = 10 * MIB;
const MEDIUM_SEGMENT: Bytes = 20 * MIB;

/** A piece of a segment. */
export interface Block {
  readonly address: number;
  readonly segmentBytes: Bytes;
  readonly small: boolean;
  bytes: Bytes;
  free: boolean;
  before: Block | null;
  after: Block | null;
}

export interface Peaks {
  readonly reserved: Bytes;
  readonly allocated: Bytes;
  readonly released: boolean;
}

export interface CachingAllocator {
  readonly take: (bytes: Bytes) => Block;
  readonly give: (block: Block) => void;
  /** The most that was reserved, and the most that was handed out, so far; and whether the cache had to be given back for it. */
  readonly peaks: () => Peaks;
}

/** An empty cache on a card that has `limit` bytes for it. A request that does not fit even so is granted beyond the limit. */
export function cachingAllocator(limit: Bytes): CachingAllocator {
  const pools: { readonly [P in "small" | "large"]: Block[] } = { small: [], large: [] };
  let nextAddress = 0;
  let reserved = 0;
  let inUse = 0;
  let reservedPeak = 0;
  let usedPeak = 0;
  let released = false;

  const poolOf = (small: boolean): Block[] => (small ? pools.small : pools.large);
  const put = (block: Block): void => {
    const pool = poolOf(block.small);
    pool.splice(positionOf(pool, block.bytes, block.address), 0, block);
  };
  const remove = (block: Block): void => {
    const pool = poolOf(block.small);
    pool.splice(positionOf(pool, block.bytes, block.address), 1);
  };
  const releaseCache = (): void => {
    released = true;
    for (const pool of [pools.small, pools.large]) {
      for (const block of pool.filter((b) => b.before === null && b.after === null)) {
        remove(block);
        reserved -= block.segmentBytes;
      }
    }
  };
  const newSegment = (bytes: Bytes, small: boolean): Block => {
    const segmentBytes = segmentBytesOf(bytes);
    if (reserved + segmentBytes > limit) releaseCache();
    reserved += segmentBytes;
    reservedPeak = Math.max(reservedPeak, reserved);
    const address = nextAddress;
    nextAddress += segmentBytes;
    return { address, segmentBytes, small, bytes: segmentBytes, free: true, before: null, after: null };
  };

  return {
    take: (requested) => {
      const bytes = Math.max(allocated(1), allocated(requested));
      const small = bytes <= SMALL_REQUEST;
      const pool = poolOf(small);
      const position = positionOf(pool, bytes, -1);
      const block = pool[position] ?? newSegment(bytes, small);
      if (position < pool.length && pool[position] === block) pool.splice(position, 1);
      const rest = block.bytes - bytes;
      if (small ? rest > 0 : rest > MIB) {
        const tail: Block = {
          address: block.address + bytes,
          segmentBytes: block.segmentBytes,
          small,
          bytes: rest,
          free: true,
          before: block,
          after: block.after,
        };
        if (block.after !== null) block.after.before = tail;
        block.after = tail;
        block.bytes = bytes;
        put(tail);
      }
      block.free = false;
      inUse += block.bytes;
      usedPeak = Math.max(usedPeak, inUse);
      return block;
    },
    give: (given) => {
      inUse -= given.bytes;
      given.free = true;
      const { before, after } = given;
      if (after?.free === true) {
        remove(after);
        join(given, after);
      }
      if (before?.free === true) {
        remove(before);
        join(before, given);
        put(before);
      } else put(given);
    },
    peaks: () => ({ reserved: reservedPeak, allocated: usedPeak, released }),
  };
}

/** @example segmentBytesOf(8 * 2 ** 20) // 20_971_520: two of them share a segment and 4 MiB are left */
export function segmentBytesOf(bytes: Bytes): Bytes {
  if (bytes <= SMALL_REQUEST) return SMALL_SEGMENT;
  if (bytes < MEDIUM_REQUEST) return MEDIUM_SEGMENT;
  return Math.ceil(bytes / SMALL_SEGMENT) * SMALL_SEGMENT;
}

/** `right` becomes part of `left`, its neighbour. */
function join(left: Block, right: Block): void {
  left.bytes += right.bytes;
  left.after = right.after;
  if (right.after !== null) right.after.before = left;
}

/** Where a block of that size and address is, or belongs, among free blocks in order of size and then address. */
function positionOf(pool: readonly Block[], bytes: Bytes, address: number): number {
  let low = 0;
  let high = pool.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const block = pool[middle]!;
    if (block.bytes < bytes || (block.bytes === bytes && block.address < address)) low = middle + 1;
    else high = middle;
  }
  return low;
}
