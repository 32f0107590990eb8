import { describe, expect, test } from "vitest";
import { parseSettings } from "../../src/cli/engine-settings.ts";

describe("--set", () => {
  test("flags of transformers and SGLang by their names there", () =>
    expect(
      parseSettings(
        "prompt-tokens=1,attn-implementation=eager,cache-implementation=static,chunked-prefill-size=4096",
      ),
    ).toEqual({ promptTokens: 1, attention: "eager", cache: "static", chunkedPrefillTokens: 4096 }));

  test("a word that a flag does not take is answered with those it takes", () =>
    expect(() => parseSettings("attn-implementation=xformers")).toThrow(
      /--set attn-implementation got "xformers", expected flash, sdpa, eager/,
    ));
});
