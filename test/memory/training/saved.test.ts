import { describe, expect, test } from "vitest";
import { modelOf, readVectors, rowsOf } from "../../estimate/training-vectors.ts";
import { keptBytes } from "./kept.ts";

const table = readVectors("training-saved.json");
const rows = rowsOf(table);

describe("bytes kept for backward, against the real classes", () => {
  test.for(
    rows.map((row) => ({
      row,
      title: `${row.model} ${row.method} ${row.attention} ${row.microBatch}x${row.seqTokens}: ${row.saved} B`,
    })),
  )("$title", ({ row }) => {
    const kept = keptBytes(modelOf(table, row.model as string), {
      method: row.method as "full",
      attention: row.attention as "sdpa",
      batch: row.microBatch as number,
      seqTokens: row.seqTokens as number,
    });
    expect(Math.abs(kept - (row.saved as number)) / (row.saved as number)).toBeLessThan(0.005);
  });
});
