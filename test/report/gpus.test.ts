import { describe, expect, test } from "vitest";
import { accelerators } from "../../src/hardware/accelerators.ts";
import { acceleratorByName, findAccelerators } from "../../src/hardware/lookup.ts";
import { gpuRows, gpusTable } from "../../src/report/gpus.ts";

const SOME = ["rtx-4090", "quadro-p6000", "m3-max-64gb"].map(acceleratorByName);

describe("gpusTable", () => {
  test("80 columns: size, what is usable and its mark, bandwidth, generation", () => {
    expect(gpusTable(SOME, { columns: 80 })).toMatchInlineSnapshot(`
      "gpu           memory      usable  bandwidth  generation  name
      rtx-4090      24 GiB  23.52 GiB   1008 GB/s  ada         GeForce RTX 4090
      quadro-p6000  24 GiB  24.00 GiB~   432 GB/s  pascal      Quadro P6000
      m3-max-64gb   64 GiB  48.00 GiB*   400 GB/s  m3          M3 Max 64GB
      ~ nominal size, no driver report known
      * default share of unified memory"
    `);
  });

  test("40 columns: the id and what is usable", () => {
    expect(gpusTable(SOME, { columns: 40 })).toMatchInlineSnapshot(`
      "gpu           memory      usable
      rtx-4090      24 GiB  23.52 GiB
      quadro-p6000  24 GiB  24.00 GiB~
      m3-max-64gb   64 GiB  48.00 GiB*
      ~ nominal size, no driver report known
      * default share of unified memory"
    `);
  });

  test("200 columns: the name and who printed the size", () => {
    expect(gpusTable(SOME, { columns: 200 })).toMatchInlineSnapshot(`
      "gpu           memory      usable  bandwidth  generation  name              source of the usable size
      rtx-4090      24 GiB  23.52 GiB   1008 GB/s  ada         GeForce RTX 4090  llama.cpp prints 24080 MiB; nvidia-smi 24564 MiB
      quadro-p6000  24 GiB  24.00 GiB~   432 GB/s  pascal      Quadro P6000      -
      m3-max-64gb   64 GiB  48.00 GiB*   400 GB/s  m3          M3 Max 64GB       Metal's recommendedMaxWorkingSetSize, unless iogpu.wired_limit_mb is set
      ~ nominal size, no driver report known
      * default share of unified memory"
    `);
  });

  test.for([40, 60, 80, 120, 200])("no line of the whole table is wider than %i columns", (columns) => {
    const lines = gpusTable(accelerators(), { columns }).split("\n");
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([]);
  });

  test("a footnote stands only for marks that occur", () => {
    expect(gpusTable(findAccelerators("rtx-3090"), { columns: 40 })).not.toMatch(/[~*] (nominal|default)/);
  });

  test("paint touches the heading and the footnotes, and widths do not count it", () => {
    const painted = gpusTable(SOME, { columns: 80, paint: (text) => `<${text}>` }).split("\n");
    expect(painted.filter((line) => line.startsWith("<") && line.endsWith(">")).length).toBe(3);
    expect(painted.map((line) => line.replace(/^<|>$/g, "")).join("\n")).toBe(
      gpusTable(SOME, { columns: 80 }),
    );
  });

  test("an empty list says so", () => {
    expect(gpusTable([], { columns: 80 })).toBe("no accelerator matches");
  });
});

describe("gpuRows", () => {
  test("survive JSON, with null for what is not known", () => {
    const rows = gpuRows(accelerators());
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
    expect(rows.find((row) => row.id === "quadro-p6000")).toEqual({
      id: "quadro-p6000",
      name: "Quadro P6000",
      vendor: "nvidia",
      generation: "pascal",
      nominalBytes: 24 * 2 ** 30,
      usableBytes: 24 * 2 ** 30,
      usableBasis: "nominal",
      usableSource: null,
      bandwidthBytesPerSecond: 432e9,
      unified: false,
      aliases: [],
      notes: null,
    });
  });
});
