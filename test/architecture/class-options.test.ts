import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/architecture/config-reader.ts";
import type { Stack } from "../../src/architecture/model.ts";
import { countParameters } from "../../src/architecture/parameters.ts";
import { FAMILIES, readArchitecture } from "../../src/architecture/registry.ts";
import vectors from "../vectors/parameters-classes.json" with { type: "json" };

interface Row {
  readonly config: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly stored: number;
  readonly tied: boolean;
  readonly windows?: readonly (readonly [number, number | null])[];
}
// A JSON union of hundreds of shapes is more than the checker should hold.
const { options, defaults } = vectors as unknown as {
  readonly options: readonly Row[];
  readonly defaults: readonly Row[];
};

/** Layers in order with the window or chunk that their cache keeps; null keeps everything. */
function windowsOf(stack: Stack): [number, number | null][] {
  const windows: [number, number | null][] = [];
  for (const run of stack.runs) {
    const mixer = stack.kinds[run.kind]!.mixers[0];
    const kept = mixer?.kind === "attention" ? (mixer.windowTokens ?? mixer.chunkTokens ?? null) : null;
    const last = windows[windows.length - 1];
    if (last?.[1] === kept) last[0] += run.count;
    else windows.push([run.count, kept]);
  }
  return windows;
}

const settings = (config: Row["config"]): string =>
  Object.entries(config)
    .filter(([key]) => !/^(model_type|vocab_size|max_position)/.test(key))
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(", ")
    .slice(0, 160);

describe("options of every class give what the class allocates", () => {
  test.for(options.map((row) => ({ row, title: `${row.config.model_type}: ${settings(row.config)}` })))(
    "$title",
    ({ row }) => {
      const model = readArchitecture(row.config, "config.json");
      expect(model.parameters.total).toBe(row.total);
      expect(model.parameters.stored).toBe(row.stored);
      expect(model.tied).toBe(row.tied);
      if (row.windows !== undefined) expect(windowsOf(model.stacks[0]!)).toEqual(row.windows);
    },
  );
});

describe("a nested config without sizes takes those of its class, and says so", () => {
  test.for(defaults.map((row) => ({ row, modelType: row.config.model_type, total: row.total })))(
    "$modelType: $total",
    ({ row, modelType }) => {
      const family = FAMILIES.find((f) => f.modelTypes.includes(String(modelType)))!;
      const nested = readConfig({ text_config: row.config }, "config.json").child("text_config")!;
      const draft = family.build(nested, { build: (config) => family.build(config, { build: never }) });
      const counted = countParameters(draft);
      expect([counted.total, counted.stored, draft.tied]).toEqual([row.total, row.stored, row.tied]);
      expect(draft.notes.map((note) => note.code)).toContain("class-defaults");
    },
  );

  test("at the top of a file the same config is refused, naming the first size", () => {
    expect(() => readArchitecture({ model_type: "llama" }, "config.json")).toThrow(
      /key "hidden_size" is missing/,
    );
  });
});

function never(): never {
  throw new Error("a text decoder holds no other model");
}
