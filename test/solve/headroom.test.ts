import { describe, expect, test } from "vitest";
import { headroomOf } from "../../src/solve/headroom.ts";

const estimate = (
  bytes: number,
  over: { pool?: [blocks: number, each: number, size: number]; batch?: number; dp?: number },
) => ({
  total: { bytes, low: bytes, high: bytes },
  devices: [
    {
      id: "all",
      count: 1,
      terms: [],
      total: { bytes, low: bytes, high: bytes },
      ...(over.pool === undefined
        ? {}
        : {
            pool: {
              blocks: over.pool[0],
              blocksPerRequest: over.pool[1],
              bytesPerBlock: over.pool[2],
              maxConcurrency: over.pool[0] / over.pool[1],
              tokens: 0,
            },
          }),
    },
  ],
  request: {
    dtype: "bf16",
    kvDtype: "fp16",
    context: 1,
    batch: over.batch ?? 1,
    weightsOnly: false,
    ...(over.dp === undefined ? {} : { dp: over.dp }),
  },
});

describe("headroomOf", () => {
  test.for([
    ["a device: 100 - 60 = 40", estimate(60, {}), 40],
    ["over: 100 - 130 = -30", estimate(130, {}), -30],
    ["the pool is tighter: (10 - 3 x 3) x 5 = 5", estimate(60, { pool: [10, 3, 5], batch: 3 }), 5],
    [
      "the pool is over though the card is not: (10 - 4 x 3) x 5 = -10",
      estimate(60, { pool: [10, 3, 5], batch: 4 }),
      -10,
    ],
    [
      "replicas share the sequences: (10 - ceil(4 / 2) x 3) x 5 = 20",
      estimate(60, { pool: [10, 3, 5], batch: 4, dp: 2 }),
      20,
    ],
    ["the card is tighter: 100 - 99 = 1", estimate(99, { pool: [10, 1, 5] }), 1],
  ] as const)("%s", ([, result, headroom]) => expect(headroomOf(result, 100)).toBe(headroom));
});
