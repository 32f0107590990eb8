import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { transformersCacheBytes } from "../../src/engines/transformers/cache.ts";
import { VramCalcError } from "../../src/errors.ts";
import tiny from "../vectors/caches-tiny.json" with { type: "json" };
import { bf16Cache } from "./cache-formats.ts";

interface Case {
  readonly B: number;
  readonly T: number;
  readonly bytes: number;
  readonly storage_bytes: number;
  readonly after_one_decode_step: { readonly bytes: number; readonly storage_bytes: number };
}
interface OracleRow {
  readonly id: string;
  readonly model_type: string;
  readonly status: string;
  readonly cases: readonly Case[];
}

const shared = fileURLToPath(new URL("../../../shared/", import.meta.url));
const present = existsSync(`${shared}oracle/cache.jsonl`);
const rows: OracleRow[] = present
  ? readFileSync(`${shared}oracle/cache.jsonl`, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as OracleRow)
      .filter((row) => row.status === "ok")
  : [];

function read(id: string): Architecture | null {
  const file = `${shared}configs/${id.replace("/", "__")}.json`;
  try {
    // Python writes Infinity, which JSON does not have.
    const text = readFileSync(file, "utf8").replaceAll(/\bInfinity\b/g, "1e999");
    return readArchitecture(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof VramCalcError) return null;
    throw error;
  }
}

const readable = rows.filter((row) => read(row.id) !== null);
const unreadable = [...new Set(rows.filter((row) => read(row.id) === null).map((row) => row.model_type))];
/** T5 and BART were measured with as many encoder positions as decoder ones. */
const ENCODER_FOLLOWS = new Set(["t5", "bart"]);

describe.skipIf(!present)(
  "the DynamicCache of transformers 5.18.0, byte for byte (skipped: no oracle folder beside the project)",
  () => {
    test(`rows compared: ${readable.length}; no family reads: ${unreadable.join(", ") || "none"}`, () =>
      expect(readable.length).toBeGreaterThan(50));

    test.for(
      readable.flatMap((row) =>
        row.cases.map((c) => ({ ...c, id: row.id, type: row.model_type, next: c.after_one_decode_step })),
      ),
    )("$id, $B x $T: $bytes B in shapes, $storage_bytes B held, then $next.storage_bytes B", (row) => {
      const model = read(row.id)!;
      const of = (moment: "shape" | "after-prefill" | "after-step", contextTokens = row.T): number =>
        transformersCacheBytes(model, {
          contextTokens,
          sequences: row.B,
          format: bf16Cache,
          ...(ENCODER_FOLLOWS.has(row.type) ? { encoderTokens: row.T } : {}),
          moment,
        });
      expect({
        bytes: of("shape"),
        held: of("after-prefill"),
        next: of("shape", row.T + 1),
        nextHeld: of("after-step"),
      }).toEqual({
        bytes: row.bytes,
        held: row.storage_bytes,
        next: row.next.bytes,
        nextHeld: row.next.storage_bytes,
      });
    });
  },
);

describe("the caches that tiny models of random weights hold after a prefill", () => {
  test.for(tiny.rows)("$config.model_type, $sequences x $tokens: $bytes B in shapes, $held B held", (row) => {
    const model = readArchitecture(row.config, "config.json");
    const of = (moment: "shape" | "after-prefill"): number =>
      transformersCacheBytes(model, {
        contextTokens: row.tokens,
        sequences: row.sequences,
        format: bf16Cache,
        moment,
      });
    expect([of("shape"), of("after-prefill")]).toEqual([row.bytes, row.held]);
  });
});
