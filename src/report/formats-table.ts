/** The table of all number formats. */
import { bitsPerValue, type Format } from "../formats/block.ts";
import type {
  BlockDescription,
  FloatDescription,
  FormatDescription,
  IntegerDescription,
} from "../formats/describe-format.ts";
import { formatByName } from "../formats/format-names.ts";
import {
  brief,
  bytesText,
  type Column,
  columnTable,
  type FormatsReportOptions,
  paintOf,
  paragraph,
  range,
  scientific,
} from "./formats-text.ts";

const powerOfTwo = (x: number): string => `2^${Math.round(Math.log2(x))}`;
const layout = (f: FloatDescription): string => `${f.signBits}/${f.exponentBits}/${f.fractionBits}`;

/** e8m0 spans too many powers of ten to write out. */
const floatRange = (f: FloatDescription): string =>
  f.smallestSubnormal === null
    ? `${powerOfTwo(f.lowest)} to ${powerOfTwo(f.largest)}`
    : range(f.lowest, f.largest);

const FLOAT_COLUMNS: readonly Column<FloatDescription>[] = [
  { heading: "format", cell: (f) => f.id },
  { heading: "s/e/f", cell: layout },
  { heading: "bits", align: "right", cell: (f) => String(f.storageBits) },
  { heading: "bytes", align: "right", cell: (f) => String(f.storageBits / 8) },
  { heading: "range", cell: floatRange },
];
const DECIMAL_COLUMNS: readonly Column<FloatDescription>[] = [
  { heading: "smallest normal", cell: (f) => brief(f.smallestNormal) },
  {
    heading: "subnormal",
    cell: (f) => (f.smallestSubnormal === null ? "none" : brief(f.smallestSubnormal)),
  },
  { heading: "epsilon", cell: (f) => brief(f.epsilon) },
  { heading: "name", cell: (f) => f.name },
];
const POWER_COLUMNS: readonly Column<FloatDescription>[] = [
  { heading: "normal", cell: (f) => powerOfTwo(f.smallestNormal) },
  {
    heading: "subnormal",
    cell: (f) => (f.smallestSubnormal === null ? "none" : powerOfTwo(f.smallestSubnormal)),
  },
  { heading: "epsilon", cell: (f) => powerOfTwo(f.epsilon) },
  { heading: "name", cell: (f) => f.name },
];
/** From here on every digit has room beside the names. */
const DECIMAL_WIDTH = 150;

function floatLines(rows: readonly FloatDescription[], options: FormatsReportOptions): readonly string[] {
  const decimal = options.columns >= DECIMAL_WIDTH;
  return columnTable(rows, [...FLOAT_COLUMNS, ...(decimal ? DECIMAL_COLUMNS : POWER_COLUMNS)], {
    ...options,
    givenUp: ["name", "bits", "epsilon", "subnormal"],
    stacked: (f) => [
      paintOf(options)("strong", f.id),
      `${layout(f)}, ${f.storageBits} bits, ${bytesText(f.storageBits / 8)}`,
      `${floatRange(f)}`,
      `normal from ${powerOfTwo(f.smallestNormal)}, ${f.smallestSubnormal === null ? "no subnormals" : `subnormal from ${powerOfTwo(f.smallestSubnormal)}`}, epsilon ${powerOfTwo(f.epsilon)}`,
    ],
  });
}

const integerRange = (f: IntegerDescription): string => {
  const [low, high] =
    f.storageBits > 32
      ? [Number(f.lowest), Number(f.largest)].map((x) => scientific(x))
      : [f.lowest, f.largest];
  return `[${low}, ${high}]`;
};

function integerLines(rows: readonly IntegerDescription[], options: FormatsReportOptions): readonly string[] {
  return columnTable(
    rows,
    [
      { heading: "format", cell: (f) => f.id },
      { heading: "bits", align: "right", cell: (f) => String(f.storageBits) },
      { heading: "bytes", align: "right", cell: (f) => String(f.storageBits / 8) },
      { heading: "range", cell: integerRange },
    ],
    {
      ...options,
      givenUp: ["bits"],
      stacked: (f) => [
        paintOf(options)("strong", f.id),
        `${bytesText(f.storageBits / 8)}`,
        `${integerRange(f)}`,
      ],
    },
  );
}

const bitsText = (bits: number): string => String(Number(bits.toFixed(4)));
/** Bytes of a block; a + where more is stored per many blocks or per tensor. */
const blockBytes = (f: BlockDescription): string => `${f.blockBytes}${f.beside === null ? "" : "+"}`;

function blockLines(rows: readonly BlockDescription[], options: FormatsReportOptions): readonly string[] {
  return columnTable(
    rows,
    [
      { heading: "format", cell: (f) => f.id },
      { heading: "values", align: "right", cell: (f) => String(f.blockElements) },
      { heading: "bytes", align: "right", cell: blockBytes },
      { heading: "bits/value", align: "right", cell: (f) => bitsText(f.bitsPerValue) },
      { heading: "element", cell: (f) => f.element },
      { heading: "scale", cell: (f) => f.scale },
      { heading: "ggml id", align: "right", cell: (f) => (f.ggmlId === null ? "" : String(f.ggmlId)) },
      { heading: "name", cell: (f) => f.name },
    ],
    {
      ...options,
      givenUp: ["ggml id", "name", "scale", "element"],
      stacked: (f) => [
        paintOf(options)("strong", f.id),
        `${f.blockElements} values, ${blockBytes(f)} bytes, ${bitsText(f.bitsPerValue)} bits`,
      ],
    },
  );
}

/** Each code book once, under the first format that uses it. */
function codeBookLines(rows: readonly BlockDescription[], options: FormatsReportOptions): readonly string[] {
  const books = new Map(rows.flatMap((f) => (f.codeBook === null ? [] : [[f.codeBook.id, f.codeBook]])));
  return [...books.values()].map((book) => {
    const sorted = [...new Set(book.entries)].sort((a, b) => a - b);
    const entries = sorted.map((x) => String(Number(x.toPrecision(4)))).join(" ");
    return paragraph(`${book.id.padEnd(8)} ${entries}`, options.columns, 9);
  });
}

/**
 * All formats, or those given, in sections by kind.
 *
 * @returns lines joined by newlines, without one at the end
 */
export function formatsTable(formats: readonly FormatDescription[], options: FormatsReportOptions): string {
  const floats = formats.filter((f) => f.kind === "float");
  const integers = formats.filter((f) => f.kind === "integer");
  const blocks = formats.filter((f) => f.kind === "block");
  const books = blocks.filter((f) => f.codeBook !== null);
  const sections: readonly (readonly [title: string, count: number, lines: () => readonly string[]])[] = [
    ["Floating point: sign/exponent/fraction", floats.length, () => floatLines(floats, options)],
    ["Integers", integers.length, () => integerLines(integers, options)],
    ["Code books: a 4-bit code is an index", books.length, () => codeBookLines(books, options)],
    ["Blocks: values that share a scale", blocks.length, () => blockLines(blocks, options)],
  ];
  const paint = paintOf(options);
  const parts = sections
    .filter(([, count]) => count > 0)
    .map(([title, , lines]) => [paint("strong", title), ...lines()].join("\n"));
  const note = blocks.some((f) => f.beside !== null)
    ? [
        paint(
          "dim",
          paragraph(
            "+ and a scale for many blocks or for the tensor: see `vram-calc formats NAME`",
            options.columns,
          ),
        ),
      ]
    : [];
  const explained = options.explain === true && blocks.length > 0 ? ["", ...bitsLines(blocks, options)] : [];
  return [...parts.join("\n\n").split("\n"), ...note, ...explained].join("\n");
}

/** Where the bits per value of a block come from. */
const bitsLines = (blocks: readonly BlockDescription[], options: FormatsReportOptions): readonly string[] => [
  paintOf(options)("strong", "Bits per value: bytes x 8 / values"),
  ...blocks.map((f) => paragraph(`${f.id}: ${bitsArithmetic(formatByName(f.id))}`, options.columns, 4)),
];

/** Bits per value as a sentence, with the arithmetic. */
export const bitsArithmetic = (format: Format): string =>
  format.parts
    .filter((part) => Number.isFinite(part.elements))
    .map((part) => `${part.bytes} x 8 / ${part.elements}`)
    .join(" + ")
    .concat(` = ${bitsText(bitsPerValue(format))}`);
