import { describe, expect, test } from "vitest";
import type { Term } from "../../src/memory/term.ts";
import { limitBar } from "../../src/report/budget-lines.ts";
import { loadLogLines } from "../../src/report/load-log.ts";
import { sizeText } from "../../src/report/size-text.ts";
import { shareBar } from "../../src/report/term-lines.ts";
import { wrap } from "../../src/report/text-layout.ts";
import { fc } from "../properties.ts";

describe("bars", () => {
  test.for([
    [{ need: 5, limit: 10, width: 11 }, "█████·····┃"],
    [{ need: 20, limit: 10, width: 11 }, "█████┃▒▒▒▒▒"],
    [{ need: 10, limit: 10, width: 11 }, "██████████┃"],
    [{ need: 9.999, limit: 10, width: 11 }, "█████████·┃"],
    [{ need: 10.001, limit: 10, width: 11 }, "█████████┃▒"],
    [{ need: 0, limit: 10, width: 11 }, "··········┃"],
  ] as const)("%j draws %s", ([input, bar]) => expect(limitBar(input)).toBe(bar));

  test("a share is drawn to an eighth of a cell and never invisible", () => {
    expect(shareBar(0.5, 4)).toBe("██");
    expect(shareBar(1 / 32, 4)).toBe("▏");
    expect(shareBar(1e-9, 4)).toBe("▏");
    expect(shareBar(0, 4)).toBe("");
  });
});

describe("text", () => {
  test("sizes below 10 MB are told in megabytes", () => {
    expect(sizeText(912_384, "both")).toBe("0.91 MB = 0.87 MiB");
    expect(sizeText(28e9, "both")).toBe("28.00 GB = 26.08 GiB");
    expect(sizeText(28e9, "GiB")).toBe("26.08 GiB");
  });

  test("wrapped lines are no wider than asked, where no word is, and lose no word", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 16, max: 80 }),
        (words, columns) => {
          const lines = wrap(`  ${words.join(" ")}`, columns, "    ").split("\n");
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
          expect(lines.join(" ").trim().split(/\s+/)).toEqual(words);
        },
      ),
    );
  });
});

test("llama.cpp's buffers by the names of its load log, in MiB; what is not its model's own has no line there", () => {
  const term = (id: Term["id"], bytes: number, label?: "draft"): Term => ({
    ...{ id, bytes, low: bytes, high: bytes, basis: "exact", formula: "", inputs: {} },
    ...(label === undefined ? {} : { label }),
  });
  const terms = [
    term("weights", 2_491_323_904),
    term("kv-cache", 1_207_959_552),
    term("activations", 580_923_392),
    term("weights", 9, "draft"),
    term("runtime", 471_859_200),
  ];
  expect(loadLogLines(terms, 100)).toEqual([
    "  in its log: model buffer 2375.91 MiB, KV buffer 1152.00 MiB, compute buffer 554.01 MiB",
  ]);
});
