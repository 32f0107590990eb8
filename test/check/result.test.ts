import { describe, expect, test } from "vitest";
import { withGrowth } from "../../src/check/growth.ts";
import { parseMargin } from "../../src/check/margin.ts";
import { judge, rowFails } from "../../src/check/result.ts";
import { refusalOf } from "./refusal.ts";
import { checkedRow, term } from "./rows-built.ts";

describe("judge", () => {
  const need = { total: { bytes: 20, low: 18, high: 23 } };
  test.for([
    { limit: 24, gate: "expected", headroom: "0%", fits: true, spare: 4, why: "20 of 24 leaves 4" },
    { limit: 20, gate: "expected", headroom: "0%", fits: true, spare: 0, why: "equal fits" },
    { limit: 19, gate: "expected", headroom: "0%", fits: false, spare: -1, why: "20 of 19 is 1 over" },
    {
      limit: 22,
      gate: "high",
      headroom: "0%",
      fits: false,
      spare: -1,
      why: "the high edge 23 of 22 is 1 over",
    },
    {
      limit: 25,
      gate: "expected",
      headroom: "20%",
      fits: true,
      spare: 5,
      why: "5 left, 20 % of 25 = 5 wanted",
    },
    {
      limit: 24,
      gate: "expected",
      headroom: "20%",
      fits: false,
      spare: 4,
      why: "4 left, ceil(4.8) = 5 wanted",
    },
    { limit: 24, gate: "expected", headroom: "4B", fits: true, spare: 4, why: "4 left, 4 wanted" },
  ] as const)("$why", ({ limit, gate, headroom, fits, spare }) => {
    const budget = judge(need, { bytes: limit }, { gate, headroom: parseMargin("headroom", headroom) });
    expect(budget).toMatchObject({ fits, headroom: spare, bytes: limit, gate });
  });

  test("a headroom that is the whole limit is refused", () => {
    const whole = { gate: "expected", headroom: { bytes: 24 } } as const;
    expect(refusalOf(() => judge(need, { bytes: 24 }, whole))).toMatch(/less than the limit it is a part of/);
  });
});

describe("which row of the baseline a row is", () => {
  const at = (id: string, bytes: number, gpu = "l40s") => checkedRow(id, [term("weights", bytes)], { gpu });
  const against = (now: readonly ReturnType<typeof at>[], before: readonly ReturnType<typeof at>[]) =>
    withGrowth({ file: "f", rows: now }, { file: "b", rows: before }, parseMargin("growth", "5%"));

  test("an option that changed is growth of the row, said with what it was", () => {
    const { rows, baseline } = against(
      [at("m, context 12k on l40s", 120)],
      [at("m, context 8k on l40s", 100)],
    );
    expect(rows[0]!.growth).toMatchObject({ was: "m, context 8k on l40s", bytes: 20, fits: false });
    expect(baseline).toMatchObject({ added: [], gone: [] });
  });

  test("ids win over the order, and what is left is taken in its order", () => {
    const before = [at("a", 10), at("b", 20), at("c", 30)];
    const { rows } = against([at("c", 30), at("a2", 11), at("b2", 22)], before);
    expect(rows.map(({ growth }) => growth!.was)).toEqual([undefined, "a", "b"]);
  });

  test("another card is another row", () => {
    const { rows, baseline } = against([at("m on h100", 100, "h100")], [at("m on l40s", 100)]);
    expect(rows[0]!.growth).toBeUndefined();
    expect(baseline).toMatchObject({ added: ["m on h100"], gone: ["m on l40s"] });
  });

  test("a baseline of an older version is matched by id alone", () => {
    const old = [{ id: "x", total: { bytes: 5 }, terms: [] }];
    const result = withGrowth({ file: "f", rows: [at("y", 5)] }, { file: "b", rows: old });
    expect(result.baseline).toMatchObject({ added: ["y"], gone: ["x"] });
  });
});

describe("growth since a baseline", () => {
  const before = checkedRow("chat", [term("weights", 100), term("kv-cache", 10)]);
  const now = checkedRow("chat", [term("weights", 100), term("kv-cache", 16), term("runtime", 1)]);
  const grown = (allowed?: string) =>
    withGrowth(
      { file: "f", rows: [now] },
      { file: "b", rows: [before] },
      allowed === undefined ? undefined : parseMargin("growth", allowed),
    );

  test("by term, the largest first: kv-cache 16 - 10 = +6, runtime 1 - 0 = +1, weights unchanged and left out", () => {
    expect(grown().rows[0]!.growth).toEqual({
      before: 110,
      bytes: 7,
      terms: [
        { id: "kv-cache", bytes: 6 },
        { id: "runtime", bytes: 1 },
      ],
      fits: true,
    });
  });

  test.for([
    ["7%", true, "7 % of 110 = 7.7, up to 8"],
    ["6%", true, "6 % of 110 = 6.6, up to 7"],
    ["5%", false, "5 % of 110 = 5.5, up to 6 < 7"],
    ["7B", true, "7 of 7"],
    ["6B", false, "7 of 6"],
  ] as const)("+7 bytes with %s allowed passes: %s (%s)", ([allowed, fits]) => {
    const [row] = grown(allowed).rows;
    expect(row!.growth?.fits).toBe(fits);
    expect(rowFails(row!)).toBe(!fits);
  });

  test("a term that is gone counts against: optimizer 0 - 8 = -8, in its phase", () => {
    const was = checkedRow("t", [term("optimizer", 8, "optimizer-step"), term("weights", 5)]);
    const is = checkedRow("t", [term("weights", 5)]);
    const result = withGrowth(
      { file: "f", rows: [is] },
      { file: "b", rows: [was] },
      parseMargin("growth", "0%"),
    );
    expect(result.rows[0]!.growth).toMatchObject({
      bytes: -8,
      fits: true,
      terms: [{ id: "optimizer", phase: "optimizer-step", bytes: -8 }],
    });
  });

  test("new rows have no growth and never fail by it; rows that went are named", () => {
    const result = withGrowth(
      { file: "f", rows: [checkedRow("new", [term("weights", 1)], { gpu: "h100" })] },
      { file: "b", rows: [before] },
      parseMargin("growth", "0%"),
    );
    expect(result.rows[0]!.growth).toBeUndefined();
    expect(result.rows.some(rowFails)).toBe(false);
    expect(result.baseline).toEqual({ file: "b", added: ["new"], gone: ["chat"] });
  });
});
