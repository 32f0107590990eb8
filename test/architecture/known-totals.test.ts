import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture, Role, Tensor } from "../../src/architecture/model.ts";
import { forEachTensor } from "../../src/architecture/parameters.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { layerCount } from "../../src/architecture/stack.ts";
import { parseJson } from "../../src/sources/json/parse-json.ts";
import { formatCount } from "../../src/units.ts";
import fixtures from "../fixtures/configs/text-decoders.json" with { type: "json" };
import vectors from "../vectors/parameters-published.json" with { type: "json" };

interface Row {
  readonly id: string;
  readonly published: number;
  readonly source: string;
  readonly surplus?: readonly string[];
  /** What is left over, stated with the total; not a claim of ours. */
  readonly unexplained?: number;
}

/** Linears that DeepSeek-style fp8 keeps in blocks of 128 x 128 with one scale each. */
const BLOCK_SCALED: ReadonlySet<Role> = new Set([
  "attn-q",
  "attn-k",
  "attn-v",
  "attn-o",
  "attn-q-a",
  "attn-q-b",
  "attn-kv-a",
  "attn-kv-b",
  "attn-index",
  "mlp-gate",
  "mlp-up",
  "mlp-down",
]);

function blockScales(tensor: Tensor): number {
  if (!BLOCK_SCALED.has(tensor.role) || tensor.shape.length !== 2 || tensor.name.includes("weights_proj"))
    return 0;
  return Math.ceil(tensor.shape[0]! / 128) * Math.ceil(tensor.shape[1]! / 128) * tensor.copies;
}

const layersOf = (model: Architecture): number => layerCount(model.stacks[0]!);

/** What a checkpoint holds besides the parameters of the running model, from the architecture. */
const SURPLUS: { readonly [what: string]: (model: Architecture) => number } = {
  "tied head stored again": (model) => model.vocabSize * model.hiddenSize,
  "prediction layers": (model) => model.parameters.mtp,
  buffers: (model) => model.parameters.stored - model.parameters.total,
  "fp8 block scales": (model) => {
    let scales = 0;
    forEachTensor(model, (tensor, layers) => {
      scales += layers * blockScales(tensor);
    });
    return scales;
  },
  "causal masks": (model) => layersOf(model) * (model.maxContextTokens ?? Number.NaN) ** 2,
  // One table of head_dim / 2 (times the rotated fraction) per layer in old files, one in all in ChatGLM.
  "rotary frequencies": (model) => {
    const mixer = model.stacks[0]!.kinds[0]!.mixers[0]!;
    const headDim = mixer.kind === "attention" ? mixer.keyDim : Number.NaN;
    const rotated = headDim * (model.forward?.rotaryFraction ?? (model.family === "chatglm" ? 0.5 : 1));
    return (rotated / 2) * (model.family === "chatglm" ? 1 : layersOf(model));
  },
};

const shared = fileURLToPath(new URL("../../../shared/configs/", import.meta.url));
const present = existsSync(shared);

function configOf(id: string): unknown {
  const fixture = (fixtures as Readonly<Record<string, unknown>>)[id];
  if (fixture !== undefined) return fixture;
  const file = `${shared}${id.replace("/", "__")}.json`;
  if (existsSync(file)) return parseJson(readFileSync(file, "utf8"), file);
  // A sibling of the entry has a config of its own, and may differ from it.
  const hit = findCatalogueEntry(id);
  return hit?.approximate === true ? undefined : hit?.entry.config;
}

const rows: readonly Row[] = vectors.rows;
const withConfig = rows.filter((row) => configOf(row.id) !== undefined);

describe("published totals are met once the named surplus is added", () => {
  test.for(withConfig)("$id: $published", (row) => {
    const model = readArchitecture(configOf(row.id), row.id);
    const surplus = (row.surplus ?? []).map((what) => SURPLUS[what]!(model));
    const sum = surplus.reduce((a, b) => a + b, model.parameters.total) + (row.unexplained ?? 0);
    expect(sum).toBe(row.published);
  });

  test.for(vectors.rounded)("$id: $stated, as far as that is stated", (row) => {
    expect(formatCount(readArchitecture(configOf(row.id), row.id).parameters.total)).toBe(row.stated);
  });

  test("every total has its source, and every surplus is one that we compute", () => {
    for (const row of rows) {
      expect(Object.keys(vectors.sources)).toContain(row.source);
      for (const what of row.surplus ?? []) expect(Object.keys(SURPLUS)).toContain(what);
    }
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  });

  test.skipIf(!present)("every row has a config (skipped: no configs folder beside the project)", () => {
    const without = rows.filter((row) => configOf(row.id) === undefined).map((row) => row.id);
    expect(without).toEqual([]);
  });
});
