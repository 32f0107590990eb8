import { describe, expect, test } from "vitest";
import { EXIT, nearestNames, VramCalcError } from "../src/errors.ts";

describe("VramCalcError", () => {
  test("a message is one line whatever the input holds, and bounded", () => {
    const error = new VramCalcError("unknown-name", {
      kind: "model",
      name: `a\nb\u001b[31m${"x".repeat(5000)}`,
      nearest: [],
    });
    expect(error.message).not.toMatch(/[\n\u001b]/);
    expect(error.message.length).toBeLessThanOrEqual(600);
  });
  test("only a source that does not answer exits 3; every other failure exits 2", () => {
    const away = new VramCalcError("source-unavailable", {
      source: "hub",
      reason: "no answer",
      hint: "try again",
    });
    const bad = new VramCalcError("bad-quantity", { what: "a size", input: "x", hint: "write 24GB" });
    expect([away.exitCode, bad.exitCode]).toEqual([EXIT.unavailable, EXIT.badRequest]);
  });
});

describe("nearestNames", () => {
  const known = ["qwen2.5-14b", "qwen2.5-7b", "llama-3.1-8b", "mixtral-8x7b"];
  test.for([
    ["qwen2.5-14", "qwen2.5-14b"],
    ["lama-3.1-8b", "llama-3.1-8b"],
    ["mixtral", "mixtral-8x7b"],
  ] as const)("%s is nearest to %s", ([typed, best]) => expect(nearestNames(typed, known)[0]).toBe(best));
  test("nothing is near to something else entirely", () =>
    expect(nearestNames("zzzzzzzz", known)).toEqual([]));
  test("nothing is near to nothing", () => expect(nearestNames("", ["b", "fa"])).toEqual([]));
  test("two letters that a longer name happens to hold do not make them near", () =>
    expect(nearestNames("kvDtpye", ["tp", "dtype", "kvDtype"])[0]).toBe("kvDtype"));
});
