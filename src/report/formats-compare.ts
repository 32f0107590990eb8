/** Several formats side by side: a row per fact, a column per format. */
import type { FormatDescription } from "../formats/describe-format.ts";
import { formatDetail } from "./formats-detail.ts";
import { brief, bytesText, type FormatsReportOptions, paintOf } from "./formats-text.ts";

interface Fact {
  readonly label: string;
  /** Null where the format has no such thing. */
  readonly of: (format: FormatDescription) => string | null;
}

const fraction = (bits: number): string => (bits === 0 ? "none" : `${bits} bits`);

/** Facts of floats, of integers and of blocks, in the order of the explanation of one format. */
const FACTS: readonly Fact[] = [
  {
    label: "bits",
    of: (f) =>
      f.kind === "float"
        ? [
            ["s", f.signBits],
            ["e", f.exponentBits],
            ["f", f.fractionBits],
          ]
            .map(([letter, bits]) => String(letter).repeat(Number(bits)))
            .filter((field) => field !== "")
            .join(" ")
        : null,
  },
  { label: "size", of: (f) => (f.kind === "block" ? null : bytesText(f.storageBits / 8)) },
  { label: "exponent", of: (f) => (f.kind === "float" ? fraction(f.exponentBits) : null) },
  { label: "bias", of: (f) => (f.kind === "float" ? String(f.bias) : null) },
  { label: "fraction", of: (f) => (f.kind === "float" ? fraction(f.fractionBits) : null) },
  {
    label: "largest",
    of: (f) => (f.kind === "float" ? brief(f.largest) : f.kind === "integer" ? f.largest : null),
  },
  {
    label: "lowest",
    of: (f) => (f.kind === "float" ? brief(f.lowest) : f.kind === "integer" ? f.lowest : null),
  },
  { label: "smallest normal", of: (f) => (f.kind === "float" ? brief(f.smallestNormal) : null) },
  {
    label: "smallest subnormal",
    of: (f) =>
      f.kind !== "float" ? null : f.smallestSubnormal === null ? "none" : brief(f.smallestSubnormal),
  },
  { label: "epsilon", of: (f) => (f.kind === "float" ? brief(f.epsilon) : null) },
  {
    label: "decimal digits",
    of: (f) => (f.kind === "float" ? `${f.digits10} survive, ${f.maxDigits10} tell apart` : null),
  },
  { label: "infinity", of: (f) => (f.kind === "float" ? (f.infinity ? "yes" : "no") : null) },
  {
    label: "NaN codes",
    of: (f) => (f.kind === "float" ? (f.nanCodes === "0" ? "none" : f.nanCodes) : null),
  },
  { label: "too large", of: (f) => (f.kind === "float" ? OVERFLOW[f.overflow] : null) },
  { label: "values a block", of: (f) => (f.kind === "block" ? String(f.blockElements) : null) },
  { label: "bytes a block", of: (f) => (f.kind === "block" ? String(f.blockBytes) : null) },
  { label: "element", of: (f) => (f.kind === "block" ? f.element : null) },
  { label: "scale", of: (f) => (f.kind === "block" ? f.scale : null) },
  { label: "beside the blocks", of: (f) => (f.kind === "block" ? f.beside : null) },
  { label: "bits per value", of: (f) => String(Number(f.bitsPerValue.toFixed(4))) },
];

const OVERFLOW = {
  saturate: "the largest",
  infinity: "infinity",
  nan: "NaN",
  throw: "refused",
} as const;

/**
 * A column per format where they fit the terminal, else each in full below the other.
 *
 * @returns lines joined by newlines, without one at the end
 */
export function formatsCompared(
  formats: readonly FormatDescription[],
  options: FormatsReportOptions,
): string {
  const rows = FACTS.map(({ label, of }) => ({ label, cells: formats.map(of) })).filter(({ cells }) =>
    cells.some((cell) => cell !== null),
  );
  const table = [
    { label: "", cells: formats.map(({ id }) => id) },
    ...rows.map(({ label, cells }) => ({ label, cells: cells.map((cell) => cell ?? "-") })),
  ];
  const widths = [0, ...formats.map((_, i) => i + 1)].map((column) =>
    Math.max(...table.map(({ label, cells }) => (column === 0 ? label : cells[column - 1]!).length)),
  );
  if (widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) > options.columns)
    return formats.map((format) => formatDetail(format, options)).join("\n\n");
  const paint = paintOf(options);
  return table
    .map(({ label, cells }, row) => {
      const line = cells
        .map((cell, i) => cell.padEnd(widths[i + 1]!))
        .join(GAP)
        .trimEnd();
      return `${paint("dim", label.padEnd(widths[0]!))}${GAP}${row === 0 ? paint("strong", line) : line}`;
    })
    .join("\n");
}

const GAP = "  ";
