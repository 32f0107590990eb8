import { describe, expect, test } from "vitest";
import { ggufArchitecture } from "../../src/architecture/gguf-model.ts";
import type { Architecture, FeedForward } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { cacheRows } from "../../src/memory/cache-rows.ts";
import { GGUF_FAMILIES, ggufHeader } from "./gguf-families.ts";

/** Layers and bytes of each kind of cache, whatever the kinds are called. */
const cacheOf = (model: Architecture) =>
  cacheRows(model)
    .map(({ layers, bytesPerToken, bytesPerSequence }) => [layers, bytesPerToken, bytesPerSequence])
    .sort();

const layersOf = (model: Architecture): number =>
  model.stacks.flatMap(({ counts }) => counts).reduce((sum, count) => sum + count, 0);

/** Layers by what follows the mixer: width, experts, experts at work. */
function feedForwards(model: Architecture): Readonly<Record<string, number>> {
  const rows: Record<string, number> = {};
  const text = (part: FeedForward): string =>
    part.kind === "none"
      ? "none"
      : part.kind === "dense"
        ? `dense ${part.width}`
        : `experts ${part.activeExperts} of ${part.experts} x ${part.width}`;
  for (const stack of model.stacks)
    stack.kinds.forEach(({ feedForward }, k) => {
      const key = text(feedForward);
      rows[key] = (rows[key] ?? 0) + stack.counts[k]!;
    });
  return rows;
}

describe.each(Object.entries(GGUF_FAMILIES))("%s", (_, family) => {
  const config = readArchitecture(family.config, "config.json");
  const file = ggufArchitecture(ggufHeader(family), "x.gguf");

  test("holds the parameters of the config's class", () => {
    expect(file.parameters.stored).toBe(config.parameters.stored - (family.dropped ?? 0));
  });

  test("has its layers", () => {
    expect(layersOf(file)).toBe(layersOf(config));
    expect(feedForwards(file)).toEqual(feedForwards(config));
    expect(file.tied).toBe(config.tied);
  });

  test("keeps between tokens what it keeps", () => {
    expect(cacheOf(file)).toEqual(cacheOf(config));
  });
});

test("an encoder and a decoder of one numbering are two stacks, and no tensor is lost", () => {
  const block = (prefix: string, names: readonly string[]) =>
    names.map((name) => ({ name: `${prefix}.blk.0.${name}.weight`, rowMajorShape: [8, 8] }));
  const own = ["attn_q", "attn_k", "attn_v", "attn_o"];
  const model = ggufArchitecture(
    {
      metadata: new Map<string, unknown>([
        ["general.architecture", "t5"],
        ["t5.embedding_length", 8],
        ["t5.attention.head_count", 2],
      ]),
      vocabularyTokens: 3,
      tensors: [...block("enc", own), ...block("dec", [...own, "cross_attn_q", "cross_attn_k"])],
    },
    "t5.gguf",
  );
  expect(model.parameters.total).toBe(10 * 64);
  expect(model.stacks.map(({ role }) => role)).toEqual(["encoder", "decoder"]);
  expect(model.stacks[1]!.kinds[0]!.mixers).toMatchObject([{ cache: "own" }, { cache: "cross" }]);
});

test("the layers that slide: a list, a period, or the rule of the architecture's code", () => {
  const family = GGUF_FAMILIES["gemma 3 1B, five of six layers slide"]!;
  const slidingOf = (pattern: object) => {
    const model = ggufArchitecture(ggufHeader({ ...family, keys: { ...family.keys, ...pattern } }), "x.gguf");
    return cacheRows(model)
      .filter(({ kind }) => kind.startsWith("sliding"))
      .reduce((sum, { layers }) => sum + layers, 0);
  };
  const key = "attention.sliding_window_pattern";
  expect(slidingOf({})).toBe(22);
  expect(slidingOf({ [key]: 2 })).toBe(13);
  expect(slidingOf({ [key]: Array.from({ length: 26 }, (_, i) => i < 5) })).toBe(5);
});
