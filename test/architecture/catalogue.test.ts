import { describe, expect, test } from "vitest";
import {
  catalogueArchitecture,
  catalogueNames,
  findCatalogueEntry,
} from "../../src/architecture/catalogue.ts";
import { readCatalogueLine } from "../../src/architecture/catalogue-entry.ts";
import facts from "../vectors/catalogue-facts.json" with { type: "json" };
import vectors from "../vectors/parameters-catalogue.json" with { type: "json" };
import towers from "../vectors/parameters-published-towers.json" with { type: "json" };

/** The distinct windows of a model's decoder. */
function windowsOf(name: string): readonly (number | undefined)[] {
  const { stacks } = catalogueArchitecture(findCatalogueEntry(name)!.entry);
  const mixers = stacks.flatMap(({ role, kinds }) =>
    role === "decoder" ? kinds.flatMap((kind) => kind.mixers) : [],
  );
  return [...new Set(mixers.map((mixer) => (mixer.kind === "attention" ? mixer.windowTokens : undefined)))];
}

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

  test.for(Object.entries(vectors.stored.totals))(
    "%s stores what the hub counts: %o",
    ([name, { elements }]) => {
      const { stored, mtp } = catalogueArchitecture(findCatalogueEntry(name)!.entry).parameters;
      expect(stored + mtp).toBe(elements);
    },
  );

  const listed = towers.rows.flatMap(({ id, published, surplus = [] }) => {
    const hit = findCatalogueEntry(id);
    // The row of bert-base is the encoder alone; its file keeps the heads of its pre-training.
    return hit === undefined || hit.approximate || hit.entry.name === "bert-base"
      ? []
      : [{ entry: hit.entry, published, surplus }];
  });

  test("rows of repositories with a known total are many", () => {
    expect(listed.length).toBeGreaterThan(20);
  });

  test.for(listed)(
    "$entry.name stores what its repository does: $published",
    ({ entry, published, surplus }) => {
      const { stored, mtp } = catalogueArchitecture(entry).parameters;
      expect(surplus.reduce((sum, { elements }) => sum + (elements ?? mtp), stored)).toBe(published);
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

  // "sliding_window": null in the published files (2 x 32 layers x 8 heads x 128 values x 2 B x 32,768 tokens of a
  // mistral-7b are 4,294,967,296 B); the class's own default of 4,096 tokens is for a file without the key.
  test.for([
    "mistral-7b",
    "mistral-nemo-12b",
    "mistral-small-24b",
    "mistral-small-3.1-24b",
    "mistral-small-3.2-24b",
    "codestral-22b",
    "mistral-large-123b",
    "devstral-small",
    "magistral-small",
    "pixtral-12b",
    "mixtral-8x7b",
    "mixtral-8x22b",
  ])("%s sees its whole context in every layer", (name) => {
    expect(windowsOf(name)).toEqual([undefined]);
  });

  test.for([
    ["mistral-7b-v0.1", 4096],
    ["zephyr-7b", 4096],
    ["openchat-3.5", 4096],
    ["e5-mistral-7b", 4096],
    ["ministral-8b", 32_768],
    ["starcoder2-3b", 4096],
    ["phi-3-mini-4k", 2047],
  ] as const)("%s sees %d tokens in every layer", ([name, tokens]) => {
    expect(windowsOf(name)).toEqual([tokens]);
  });

  const named = (name: string) => catalogueArchitecture(findCatalogueEntry(name)!.entry);

  test.for(Object.entries(facts.contexts))("%s reads %o at most", ([name, { tokens }]) => {
    expect(named(name).maxContextTokens).toBe(tokens);
  });

  test.for(Object.entries(facts.dtypes))("%s is stored in %o", ([name, { dtype }]) => {
    expect(named(name).dtype).toBe(dtype);
  });

  test.for(Object.entries(facts.ropeScaling))("%s stretches its positions: %o", ([name, fact]) => {
    const { source: _, ...scaling } = fact;
    expect(named(name).forward?.ropeScaling).toEqual(scaling);
  });

  test.for(Object.entries(facts.rotaryFraction))(
    "%s rotates a part of each head: %o",
    ([name, { fraction }]) => {
      expect(named(name).forward?.rotaryFraction).toBe(fraction);
    },
  );

  test.for(Object.entries(facts.softcaps))("%s caps its scores: %o", ([name, { attention, logits }]) => {
    expect(named(name).forward).toMatchObject({ attentionSoftcap: attention, logitSoftcap: logits });
  });

  test("EmbeddingGemma sees both sides of a position, so it has no decoder to cache", () => {
    expect(named("embeddinggemma-300m").stacks.map(({ role }) => role)).toEqual(["encoder"]);
    expect(named("gemma-3-270m").stacks.map(({ role }) => role)).toEqual(["decoder"]);
  });

  test("every name is read by the common families", () => {
    const unread = catalogueNames().filter((name) => (named(name) as unknown) === null);
    expect(unread).toEqual([]);
  });

  test("every name is its own, and finds its own entry", () => {
    const names = catalogueNames();
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => findCatalogueEntry(name)?.entry.name !== name)).toEqual([]);
  });
});
