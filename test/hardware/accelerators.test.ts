import { describe, expect, test } from "vitest";
import { accelerators, defaultShare } from "../../src/hardware/accelerators.ts";
import { COMMON_CARDS } from "../../src/hardware/common-cards.ts";
import { GiB } from "../../src/units.ts";
import printed from "../vectors/accelerators.json" with { type: "json" };

const ALL = accelerators();
const byId = new Map(ALL.map((accelerator) => [accelerator.id, accelerator]));
const MiB = 2 ** 20;

describe("the table", () => {
  test("lists at least 150 accelerators of five vendors, with ids of their own", () => {
    expect(ALL.length).toBeGreaterThanOrEqual(150);
    expect(new Set(ALL.map((a) => a.vendor))).toEqual(new Set(["nvidia", "amd", "intel", "apple", "google"]));
    expect(byId.size).toBe(ALL.length);
    expect(ALL.filter((a) => !/^[a-z0-9]+(-[a-z0-9.]+)*$/.test(a.id))).toEqual([]);
  });

  test("is built once and frozen", () => {
    expect(accelerators()).toBe(ALL);
    expect(ALL.every(Object.isFrozen)).toBe(true);
  });

  test("promises whole bytes, never more than the size on the box, never less than 60 % of it or the 48 % that Linux shares", () => {
    const wrong = ALL.filter(
      (a) =>
        !Number.isSafeInteger(a.usableBytes) ||
        a.usableBytes > a.nominalBytes ||
        a.usableBytes < (a.id.startsWith("ryzen") ? 0.48 : 0.6) * a.nominalBytes,
    );
    expect(wrong.map((a) => a.id)).toEqual([]);
  });

  test("a discrete NVIDIA card keeps at least 90 % of its nominal size, ECC included", () => {
    const low = ALL.filter(
      (a) => a.vendor === "nvidia" && a.unified !== true && a.usableBytes < 0.9 * a.nominalBytes,
    );
    // GDDR cards give 1/16 to ECC, and the driver its part; HBM3e parts hold back spare capacity. A K80
    // (11441 of 12288 MiB), a GTX 1650 (3712 of 4096) and the small laptop cards stay above 90 % all the same.
    expect(low.map((a) => a.id)).toEqual([]);
  });

  test("the runtime never sees more than the management tool reports", () => {
    const wrong = ALL.filter(
      (a) =>
        a.smiTotalBytes !== undefined &&
        a.runtimeTotalBytes !== undefined &&
        a.runtimeTotalBytes > a.smiTotalBytes,
    );
    expect(wrong.map((a) => a.id)).toEqual([]);
  });

  test("every reported size names its source, and a nominal one is the nominal size and claims none", () => {
    for (const a of ALL) {
      if (a.usableBasis === "nominal") {
        expect(a.usableBytes, a.id).toBe(a.nominalBytes);
        expect(a.usableSource, a.id).toBeUndefined();
      } else expect(a.usableSource, a.id).toMatch(/\w{3}/);
    }
    expect(ALL.filter((a) => a.usableBasis === "reported").length).toBeGreaterThanOrEqual(120);
  });

  test("bandwidths lie between a Jetson Nano's 25 GB/s and 8 TB/s", () => {
    const wrong = ALL.filter(({ bandwidthBytesPerSecond: b }) => b !== undefined && (b < 25e9 || b > 8e12));
    expect(wrong.map((a) => a.id)).toEqual([]);
  });

  test("multiprocessors are known of nearly all NVIDIA cards from Turing on, and of no others", () => {
    const counted = ALL.filter(({ multiprocessors }) => multiprocessors !== undefined);
    expect(counted.length).toBeGreaterThan(120);
    for (const { id, computeCapability, multiprocessors } of counted) {
      expect(Number(computeCapability), id).toBeGreaterThanOrEqual(7.5);
      expect(multiprocessors, id).toBeLessThanOrEqual(188);
    }
  });

  test("the common cards repeat rows of the table, smallest first", () => {
    for (const card of COMMON_CARDS) {
      const { id, name, usableBytes } = byId.get(card.id)!;
      expect(card).toEqual({ id, name, usableBytes });
    }
    const sizes = COMMON_CARDS.map((card) => card.usableBytes);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  });
});

describe("what tools printed", () => {
  const rows = printed.rows as readonly {
    readonly id?: string;
    readonly gib?: number;
    readonly total: string;
    readonly tool: string;
    readonly printed: string;
    readonly bytes: number;
  }[];
  const devices = rows.filter((row) => row.id !== undefined);

  test.for(devices.map((row) => [`${row.id}: ${row.tool}: ${row.printed}`, row] as const))(
    "%s",
    ([, row]) => {
      const accelerator = byId.get(row.id!)!;
      const ours = row.total === "smi" ? accelerator.smiTotalBytes : accelerator.runtimeTotalBytes;
      // Ours is the printed figure rounded down to a MiB.
      expect(row.bytes - ours!).toBeGreaterThanOrEqual(-0.5);
      expect(row.bytes - ours!).toBeLessThan(MiB);
    },
  );

  test("every reported row of the table stands here, and usable is the smaller of its totals", () => {
    const quoted = new Map<string, number>();
    for (const { id, bytes } of devices)
      quoted.set(id!, Math.min(quoted.get(id!) ?? Number.POSITIVE_INFINITY, bytes));
    const reported = ALL.filter((a) => a.usableBasis === "reported");
    expect(reported.filter((a) => !quoted.has(a.id)).map((a) => a.id)).toEqual([]);
    for (const a of reported) expect(Math.abs(a.usableBytes - quoted.get(a.id)!), a.id).toBeLessThan(MiB);
  });

  test.for(
    rows.filter((row) => row.gib !== undefined).map((row) => [row.gib!, row.printed, row.bytes] as const),
  )("an Apple chip with %i GiB: %s", ([gib, , bytes]) => {
    expect((defaultShare(gib * GiB) / 1e6).toFixed(2)).toBe((bytes / 1e6).toFixed(2));
  });
});
