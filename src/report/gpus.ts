import type { Accelerator, UsableBasis } from "../hardware/accelerator.ts";
import { type Bytes, formatBytes } from "../units.ts";

export interface GpusTableOptions {
  /** Width of the terminal. Columns are left out, and the name cut, until a row fits. */
  readonly columns: number;
  /** Applied to the heading and to the footnote; plain text by default. */
  readonly paint?: (text: string) => string;
}

/** One accelerator in the JSON of `vram-calc gpus --json`. */
export interface GpuRow {
  readonly id: string;
  readonly name: string;
  readonly vendor: string;
  readonly generation: string;
  readonly nominalBytes: Bytes;
  readonly usableBytes: Bytes;
  readonly usableBasis: UsableBasis;
  readonly usableSource: string | null;
  readonly bandwidthBytesPerSecond: number | null;
  readonly unified: boolean;
  readonly aliases: readonly string[];
  readonly notes: string | null;
}

interface Column {
  readonly heading: string;
  readonly align: "left" | "right";
  readonly cell: (accelerator: Accelerator) => string;
}

const MARKS: { readonly [B in UsableBasis]: string } = { reported: " ", nominal: "~", "default-share": "*" };
const FOOTNOTES: { readonly [B in UsableBasis]: string | undefined } = {
  reported: undefined,
  nominal: "~ nominal size, no driver report known",
  "default-share": "* default share of unified memory",
};

const COLUMNS = {
  id: { heading: "gpu", align: "left", cell: (a) => a.id },
  usable: {
    heading: "usable",
    align: "right",
    cell: (a) => `${formatBytes(a.usableBytes, { unit: "GiB" })}${MARKS[a.usableBasis]}`,
  },
  memory: {
    heading: "memory",
    align: "right",
    cell: (a) => formatBytes(a.nominalBytes, { unit: "GiB", digits: 0 }),
  },
  bandwidth: { heading: "bandwidth", align: "right", cell: (a) => bandwidth(a) },
  generation: { heading: "generation", align: "left", cell: (a) => a.generation },
  name: { heading: "name", align: "left", cell: (a) => a.name },
  source: { heading: "source of the usable size", align: "left", cell: (a) => a.usableSource ?? "-" },
} as const satisfies Record<string, Column>;

/** Reading order of the columns, and the order in which they are given up when space runs out. */
const READING_ORDER = ["id", "memory", "usable", "bandwidth", "generation", "name", "source"] as const;
const GIVEN_UP = ["source", "name", "generation", "bandwidth", "memory"] as const;
const GAP = "  ";

/**
 * The accelerators as a text table that is at most `columns` wide where the ids allow it. A mark after
 * the usable size says what it rests on, and a line below explains each mark that occurs.
 *
 * @returns lines joined by newlines, without one at the end
 */
export function gpusTable(accelerators: readonly Accelerator[], options: GpusTableOptions): string {
  const paint = options.paint ?? ((text) => text);
  if (accelerators.length === 0) return "no accelerator matches";
  const keys = new Set<keyof typeof COLUMNS>(READING_ORDER);
  const drawn = () =>
    READING_ORDER.filter((key) => keys.has(key)).map((key) => draw(COLUMNS[key], accelerators));
  for (const key of GIVEN_UP) {
    if (widthOf(drawn()) <= options.columns) break;
    keys.delete(key);
  }
  const columns = drawn();
  const line = (index: number) =>
    columns
      .map((column) => column.cells[index]!)
      .join(GAP)
      .trimEnd();
  const lines = accelerators.map((_, index) => line(index + 1));
  const notes = [...new Set(accelerators.map((a) => FOOTNOTES[a.usableBasis]))].filter(
    (note) => note !== undefined,
  );
  return [paint(line(0)), ...lines, ...notes.map(paint)].join("\n");
}

const widthOf = (columns: readonly DrawnColumn[]): number =>
  columns.reduce((sum, column) => sum + column.width, GAP.length * (columns.length - 1));

interface DrawnColumn {
  readonly width: number;
  readonly cells: readonly string[];
}

function draw(column: Column, accelerators: readonly Accelerator[]): DrawnColumn {
  const cells = [column.heading, ...accelerators.map(column.cell)];
  const width = Math.max(...cells.map((cell) => cell.length));
  const pad = (cell: string) => (column.align === "left" ? cell.padEnd(width) : cell.padStart(width));
  return { width, cells: cells.map(pad) };
}

function bandwidth({ bandwidthBytesPerSecond }: Accelerator): string {
  return bandwidthBytesPerSecond === undefined ? "-" : `${Math.round(bandwidthBytesPerSecond / 1e9)} GB/s`;
}

/** The accelerators as rows of plain data, with `null` where a fact is not known. */
export function gpuRows(accelerators: readonly Accelerator[]): readonly GpuRow[] {
  return accelerators.map((a) => ({
    id: a.id,
    name: a.name,
    vendor: a.vendor,
    generation: a.generation,
    nominalBytes: a.nominalBytes,
    usableBytes: a.usableBytes,
    usableBasis: a.usableBasis,
    usableSource: a.usableSource ?? null,
    bandwidthBytesPerSecond: a.bandwidthBytesPerSecond ?? null,
    unified: a.unified ?? false,
    aliases: a.aliases,
    notes: a.notes ?? null,
  }));
}
