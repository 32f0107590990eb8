import { expect, test } from "vitest";
import { defined } from "../src/defined.ts";

test("fields without a value are absent and hide no default", () => {
  const asked = defined({ dtype: "fp8", batch: undefined as number | undefined, mtp: 0, card: null });
  expect(Object.keys(asked)).toEqual(["dtype", "mtp", "card"]);
  expect({ batch: 4, ...asked }.batch).toBe(4);
});

test("the type says which fields may be absent", () => {
  const some: { readonly a: number; readonly b?: string } = defined({
    a: 1,
    b: undefined as string | undefined,
  });
  expect(some).toEqual({ a: 1 });
});
