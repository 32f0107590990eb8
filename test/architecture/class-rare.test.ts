import { describe, expect, test } from "vitest";
import { COMPOSITES, DECODERS, ENCODERS, HYBRIDS } from "../../src/architecture/families/index.ts";
import { REMOTE_DECODERS } from "../../src/architecture/families/remote-decoders.ts";
import { REMOTE_COMPOSITES } from "../../src/architecture/families/remote-vision.ts";
import { FAMILIES, readArchitecture } from "../../src/architecture/registry.ts";
import fixtures from "../fixtures/configs/text-decoders.json" with { type: "json" };
import classes from "../vectors/parameters-classes.json" with { type: "json" };
import audio from "../vectors/parameters-classes-audio.json" with { type: "json" };
import composites from "../vectors/parameters-classes-composites.json" with { type: "json" };
import heads from "../vectors/parameters-classes-heads.json" with { type: "json" };
import images from "../vectors/parameters-classes-images.json" with { type: "json" };
import vectors from "../vectors/parameters-classes-rare.json" with { type: "json" };
import text from "../vectors/parameters-classes-text.json" with { type: "json" };

interface Row {
  readonly config: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly tied: boolean;
  /** Elements of persistent buffers, where the row counts them. */
  readonly buffers?: number;
}
const rows = [vectors, composites, text, audio, images, heads].flatMap(
  (file) => file.rows as unknown as readonly Row[],
);

describe("rarer classes hold what they allocate", () => {
  test.for(rows.map((row, at) => ({ row, title: `${row.config.model_type} ${at}: ${row.total}` })))(
    "$title",
    ({ row }) => {
      const model = readArchitecture(row.config, "config.json");
      expect([model.parameters.total, model.tied]).toEqual([row.total, row.tied]);
      if (row.buffers !== undefined)
        expect(model.parameters.stored - model.parameters.total).toBe(row.buffers);
    },
  );

  test("every rare family has a row", () => {
    // Rows and published totals of decoders that the catalogue does not name lie with those of the others.
    const met = [
      ...[...rows, ...(classes.options as unknown as readonly Row[])].map(({ config }) => config),
      ...Object.values(fixtures),
    ];
    const seen = new Set(met.map((config) => readArchitecture(config, "config.json").family));
    // Classes of a model's own repository are not built here: their sums are in the tests of remote models.
    const remote = [...REMOTE_DECODERS, ...REMOTE_COMPOSITES];
    const common = new Set(
      [...DECODERS, ...HYBRIDS, ...COMPOSITES, ...ENCODERS, ...remote].map(({ id }) => id),
    );
    const rare = FAMILIES.filter(({ id }) => !common.has(id));
    const missing = rare.map(({ id }) => id).filter((id) => !seen.has(id));
    expect(rare.length).toBeGreaterThan(50);
    // A class of its repository too: its blocks and sum are in mixers.test.ts.
    expect(missing).toEqual(["nemotron-nas"]);
  });
});
