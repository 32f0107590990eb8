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
 * With `expandable_segments` each pool is one segment that grows at its end, by pages of 2 MiB for small requests and 20 MiB for
 * others: whatever is freed joins its neighbours, every rest is split off, and the end is taken last. A full card takes back the
 * whole pages that are free.
 *
 * @example 600 MB, freed, then 650 MB: 600 waits for something smaller, so 1,252 MB are reserved; in an expandable segment
 *     the 600 grow to 650, and 660 MB are
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

/** Requests up to 1 MiB and the others do not share segments. */
interface Pool {
  /** Free blocks in order of size and then address. */
  readonly free: Block[];
  /** What an expandable segment grows by. */
  readonly page: Bytes;
  /** Where the one expandable segment ends. */
  end: Block | null;
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

export interface CacheSettings {
  /** What the card has for it. A request that does not fit even so is granted beyond. */
  readonly limit: Bytes;
  /** `expandable_segments:True` in PYTORCH_CUDA_ALLOC_CONF. */
  readonly expandable: boolean;
}

/** An empty cache. */
export function cachingAllocator({ limit, expandable }: CacheSettings): CachingAllocator {
  const small: Pool = { free: [], page: SMALL_SEGMENT, end: null };
  const large: Pool = { free: [], page: MEDIUM_SEGMENT, end: null };
  const poolOf = (block: Block): Pool => (block.small ? small : large);
  let nextAddress = 0;
  let reserved = 0;
  let inUse = 0;
  let reservedPeak = 0;
  let usedPeak = 0;
  let released = false;

  const put = ({ free }: Pool, block: Block): void => {
    free.splice(positionOf(free, block.bytes, block.address), 0, block);
  };
  const remove = ({ free }: Pool, block: Block): void => {
    free.splice(positionOf(free, block.bytes, block.address), 1);
  };
  const reserve = (bytes: Bytes, of: { readonly segmentBytes: Bytes; readonly small: boolean }): Block => {
    reserved += bytes;
    reservedPeak = Math.max(reservedPeak, reserved);
    const address = nextAddress;
    nextAddress += bytes;
    return { ...of, address, bytes, free: true, before: null, after: null };
  };

  const releaseSegments = (): void => {
    released = true;
    for (const pool of [small, large])
      for (const block of pool.free.filter((b) => b.before === null && b.after === null)) {
        remove(pool, block);
        reserved -= block.segmentBytes;
      }
  };
  const newSegment = (pool: Pool, bytes: Bytes): Block => {
    const segmentBytes = segmentBytesOf(bytes);
    if (reserved + segmentBytes > limit) releaseSegments();
    return reserve(segmentBytes, { segmentBytes, small: pool === small });
  };

  /** Whole pages that are free leave; nothing is put at their addresses again. */
  const releasePages = (): void => {
    released = true;
    for (const pool of [small, large])
      for (const block of pool.free.splice(0)) {
        const pages = Math.floor(block.bytes / pool.page) * pool.page;
        reserved -= pages;
        block.free = pages < block.bytes;
        if (!block.free) continue;
        block.bytes -= pages;
        put(pool, block);
      }
  };
  /** The end of the pool's segment, grown until it holds the request. */
  const grownEnd = (pool: Pool, bytes: Bytes): Block => {
    const missing = (): Bytes =>
      Math.ceil((bytes - (pool.end?.free === true ? pool.end.bytes : 0)) / pool.page) * pool.page;
    if (reserved + missing() > limit) releasePages();
    const grown = reserve(missing(), { segmentBytes: 0, small: pool === small });
    const { end } = pool;
    if (end?.free === true) {
      remove(pool, end);
      end.bytes += grown.bytes;
      return end;
    }
    grown.before = end;
    if (end !== null) end.after = grown;
    pool.end = grown;
    return grown;
  };

  return {
    take: (requested) => {
      const bytes = Math.max(allocated(1), allocated(requested));
      const pool = bytes <= SMALL_REQUEST ? small : large;
      let position = positionOf(pool.free, bytes, -1);
      // The end of an expandable segment counts as large as it can grow: anything else that is large enough is taken first.
      if (position + 1 < pool.free.length && pool.free[position] === pool.end) position++;
      const found = pool.free[position];
      if (found !== undefined) pool.free.splice(position, 1);
      const block = found ?? (expandable ? grownEnd : newSegment)(pool, bytes);
      const rest = block.bytes - bytes;
      if (block.small || expandable ? rest > 0 : rest > MIB) {
        const { segmentBytes, after } = block;
        const address = block.address + bytes;
        const tail: Block = {
          address,
          segmentBytes,
          small: block.small,
          bytes: rest,
          free: true,
          before: block,
          after,
        };
        if (after !== null) after.before = tail;
        if (pool.end === block) pool.end = tail;
        block.after = tail;
        block.bytes = bytes;
        put(pool, tail);
      }
      block.free = false;
      inUse += block.bytes;
      usedPeak = Math.max(usedPeak, inUse);
      return block;
    },
    give: (given) => {
      const pool = poolOf(given);
      inUse -= given.bytes;
      given.free = true;
      const { before, after } = given;
      const joins = (left: Block, right: Block): void => {
        if (pool.end === right) pool.end = left;
        join(left, right);
      };
      if (after?.free === true) {
        remove(pool, after);
        joins(given, after);
      }
      if (before?.free === true) {
        remove(pool, before);
        joins(before, given);
        put(pool, before);
      } else put(pool, given);
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
