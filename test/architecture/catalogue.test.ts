import { describe, expect, test } from "vitest";
import {
  catalogueArchitecture,
  catalogueNames,
  findCatalogueEntry,
} from "../../src/architecture/catalogue.ts";
import vectors from "../vectors/parameters-catalogue.json" with { type: "json" };

describe("the catalogue", () => {
  test.for(Object.entries(vectors.totals))("%s holds %d parameters, as published", ([name, total]) => {
    expect(catalogueArchitecture(findCatalogueEntry(name)!.entry).parameters.total).toBe(total);
  });

  test("every name is its own, and finds its own entry", () => {
    const names = catalogueNames();
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => findCatalogueEntry(name)?.entry.name !== name)).toEqual([]);
  });
});
