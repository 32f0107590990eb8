import { describe, expect, test } from "vitest";
import { cachingAllocator, segmentBytesOf } from "../../../src/memory/training/caching-allocator.ts";

const MIB = 2 ** 20;
const ANY = Number.MAX_SAFE_INTEGER;

describe("segments of PyTorch's caching allocator", () => {
  test.for([
    { bytes: 512, segment: 2 * MIB, title: "512 B lie in a segment of 2 MiB" },
    { bytes: MIB, segment: 2 * MIB, title: "1 MiB is the last small request" },
    { bytes: MIB + 512, segment: 20 * MIB, title: "more than 1 MiB takes 20 MiB" },
    { bytes: 10 * MIB - 512, segment: 20 * MIB, title: "less than 10 MiB takes 20 MiB" },
    { bytes: 10 * MIB, segment: 10 * MIB, title: "10 MiB take 10 MiB" },
    { bytes: 15 * MIB, segment: 16 * MIB, title: "15 MiB are rounded up to 16 MiB" },
  ])("$title", ({ bytes, segment }) => {
    expect(segmentBytesOf(bytes)).toBe(segment);
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    allocator.take(bytes);
    expect(allocator.peaks().reserved).toBe(segment);
  });

  test("15 MiB out of 16 keep the last one: a rest of 1 MiB is not split off a large block", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    allocator.take(15 * MIB);
    expect(allocator.peaks().allocated).toBe(16 * MIB);
  });

  test("two tensors of 8 MiB share 20 MiB, a third needs 20 more: 40 MiB for 24", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    for (let i = 0; i < 3; i++) allocator.take(8 * MIB);
    expect(allocator.peaks()).toMatchObject({ reserved: 40 * MIB, allocated: 24 * MIB });
  });

  test("600 MiB freed do not serve 650: 1,250 MiB are reserved and never more than 650 used", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    allocator.give(allocator.take(600 * MIB));
    allocator.take(650 * MIB);
    expect(allocator.peaks()).toMatchObject({ reserved: 1250 * MIB, allocated: 650 * MIB });
  });

  test("650 MiB freed serve 600, and the 50 that are left serve 40: 650 MiB", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    allocator.give(allocator.take(650 * MIB));
    allocator.take(600 * MIB);
    allocator.take(40 * MIB);
    expect(allocator.peaks().reserved).toBe(650 * MIB);
  });

  test("the smallest block that is large enough is taken: 100 MiB go into 120, not into 500", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    const large = allocator.take(500 * MIB);
    const small = allocator.take(120 * MIB);
    allocator.give(large);
    allocator.give(small);
    allocator.take(100 * MIB);
    allocator.take(500 * MIB);
    expect(allocator.peaks().reserved).toBe(620 * MIB);
  });

  test("freed neighbours join again: 3 x 20 MiB of one segment of 60 serve 60", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: false });
    allocator.give(allocator.take(60 * MIB));
    const parts = [1, 2, 3].map(() => allocator.take(20 * MIB));
    for (const i of [0, 2, 1]) allocator.give(parts[i]!);
    allocator.take(60 * MIB);
    expect(allocator.peaks().reserved).toBe(60 * MIB);
  });

  test("an expandable segment grows in place: 600 MiB freed and 650 taken reserve 660, pages of 20", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: true });
    allocator.give(allocator.take(600 * MIB));
    allocator.take(650 * MIB);
    expect(allocator.peaks()).toMatchObject({ reserved: 660 * MIB, allocated: 650 * MIB });
  });

  test("freed neighbours of any sizes join in an expandable segment: 100 + 200 + 300 MiB serve 600", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: true });
    const parts = [100, 200, 300].map((size) => allocator.take(size * MIB));
    allocator.take(20 * MIB);
    for (const i of [1, 0, 2]) allocator.give(parts[i]!);
    allocator.take(600 * MIB);
    expect(allocator.peaks().reserved).toBe(620 * MIB);
  });

  test("the end of an expandable segment is taken last: 30 MiB go into a hole of 40, not into an end of 35", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: true });
    const hole = allocator.take(40 * MIB);
    allocator.take(5 * MIB);
    const end = allocator.take(35 * MIB);
    allocator.give(end);
    allocator.give(hole);
    expect(allocator.take(30 * MIB).address).toBe(0);
    expect(allocator.peaks().reserved).toBe(80 * MIB);
  });

  test("nothing of an expandable block is kept by rounding: 15 MiB and 5 share a page of 20", () => {
    const allocator = cachingAllocator({ limit: ANY, expandable: true });
    for (const size of [15, 5]) allocator.take(size * MIB);
    expect(allocator.peaks()).toMatchObject({ reserved: 20 * MIB, allocated: 20 * MIB });
  });

  test("a full card takes free pages back: 600 MiB freed below 100 in use, and 850 taken of 1,000", () => {
    const allocator = cachingAllocator({ limit: 1000 * MIB, expandable: true });
    const first = allocator.take(600 * MIB);
    allocator.take(100 * MIB);
    allocator.give(first);
    allocator.take(850 * MIB);
    expect(allocator.peaks()).toMatchObject({ reserved: 960 * MIB, released: true });
  });

  test("a full card gives its cache back first: 600 MiB freed and 650 taken of 1,000 leave 650", () => {
    const allocator = cachingAllocator({ limit: 1000 * MIB, expandable: false });
    allocator.give(allocator.take(600 * MIB));
    allocator.take(650 * MIB);
    expect(allocator.peaks()).toMatchObject({ reserved: 650 * MIB, released: true });
  });
});
