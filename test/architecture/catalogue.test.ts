import { describe, expect, test } from "vitest";
import {
  catalogueArchitecture,
  catalogueNames,
  findCatalogueEntry,
} from "../../src/architecture/catalogue.ts";
import { readCatalogueLine } from "../../src/architecture/catalogue-entry.ts";
import vectors from "../vectors/parameters-catalogue.json" with { type: "json" };

describe("the catalogue", () => {
  test.for(
    Object.entries({
      ...vectors.totals,
      ...vectors.publishers.totals,
      ...vectors.gathered.totals,
      ...vectors.classes.totals,
    }),
  )("%s holds %d parameters, as published", ([name, total]) => {
    expect(catalogueArchitecture(findCatalogueEntry(name)!.entry).parameters.total).toBe(total);
  });

  test.for(Object.entries(vectors.gathered.storedBeside))(
    "%s holds what its files do, less what they store beside",
    ([name, { stated, values }]) => {
      const beside = values.reduce((sum, of) => sum + of.reduce((product, n) => product * n, 1), 0);
      expect(catalogueArchitecture(findCatalogueEntry(name)!.entry).parameters.total).toBe(stated - beside);
    },
  );

  /** Names that round down a lot, leave encoder or embedding out, or count something else first. */
  const ELSE = ["olmoe-1b-7b", "falcon3-1b", "voxtral-mini-3b", "olmo-2-1b", "gemma-2-2b", "minicpm-2b"];

  test("a size in a name is the model's, to a third", () => {
    const sized = catalogueNames().flatMap((name) => {
      const [, said, unit] = /(?:^|-)(\d+(?:\.\d+)?)([bm])(?:-|$)/.exec(name) ?? [];
      if (said === undefined || ELSE.includes(name)) return [];
      const { total } = catalogueArchitecture(findCatalogueEntry(name)!.entry).parameters;
      return [{ name, times: total / (Number(said) * (unit === "b" ? 1e9 : 1e6)) }];
    });
    expect(sized.length).toBeGreaterThan(150);
    expect(sized.filter(({ times }) => times < 0.8 || times > 1.3)).toEqual([]);
  });

  test("a line's keys go over those of the line whose shapes it has, nested ones one by one", () => {
    const other = { model_type: "x", text_config: { hidden_size: 1, vocab_size: 2 } };
    const entry = readCatalogueLine("n o/n =m text_config.h=3 tie=true list=[1,2] word=silu", () => other);
    expect(entry).toEqual({
      name: "n",
      hub: "o/n",
      config: {
        model_type: "x",
        text_config: { hidden_size: 3, vocab_size: 2 },
        tie_word_embeddings: true,
        list: [1, 2],
        word: "silu",
      },
    });
    expect(other.text_config.hidden_size).toBe(1);
  });

  test("every name is its own, and finds its own entry", () => {
    const names = catalogueNames();
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => findCatalogueEntry(name)?.entry.name !== name)).toEqual([]);
  });
});
