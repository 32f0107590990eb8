import { describe, expect, test } from "vitest";
import { onceFor, onceForEach } from "../src/remember.ts";

test("onceFor computes once for each object", () => {
  let calls = 0;
  const size = onceFor(({ n }: { readonly n: number }) => {
    calls += 1;
    return n * 2;
  });
  const [a, b] = [{ n: 1 }, { n: 2 }];
  expect([size(a), size(b), size(a)]).toEqual([2, 4, 2]);
  expect(calls).toBe(2);
});

describe("onceForEach", () => {
  test("computes once for each object and key, null included, and hands on what a key stands for", () => {
    const calls: string[] = [];
    const seen = onceForEach((about: { readonly id: string }, key: string, factor: number): number | null => {
      calls.push(about.id + key);
      return factor === 0 ? null : factor;
    });
    const [a, b] = [{ id: "a" }, { id: "b" }];
    expect([seen(a, "x", 3), seen(a, "x", 3), seen(b, "x", 4), seen(a, "y", 0), seen(a, "y", 0)]).toEqual([
      3,
      3,
      4,
      null,
      null,
    ]);
    expect(calls).toEqual(["ax", "bx", "ay"]);
  });

  test("a stream of ever new keys is not kept", () => {
    let calls = 0;
    const part = onceForEach((_about: object, key: number) => {
      calls += 1;
      return { key };
    });
    const about = {};
    for (let key = 0; key < 1000; key++) part(about, key);
    part(about, 0);
    expect(calls).toBe(1000);
    for (let key = 1000; key < 5000; key++) expect(part(about, key).key).toBe(key);
    expect(calls).toBe(5000);
    part(about, 0);
    expect(calls).toBe(5001);
  });
});
