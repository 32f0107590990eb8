/** Sections of `inspect` on weight files and on adapters. */
import type { LoraLinear } from "../adapters/lora.ts";
import { mergeWeight } from "../adapters/merge.ts";
import type { GgufFacts } from "../sources/gguf/gguf-facts.ts";
import { type Bytes, groupDigits } from "../units.ts";
import { sizeText } from "./size-text.ts";
import { alignRows, wrap } from "./text-layout.ts";

export interface FileFacts {
  readonly container: string;
  readonly files: number;
  readonly fileBytes: Bytes | null;
  readonly totalBytes: Bytes;
  readonly formats: readonly {
    readonly format: string;
    readonly tensors: number;
    readonly elements: number;
    readonly bytes: Bytes;
  }[];
  readonly largest: readonly {
    readonly name: string;
    readonly format: string;
    readonly shape: readonly number[];
    readonly bytes: Bytes;
  }[];
  /** Parameters of the model that the files hold. */
  readonly parameters: number;
}

/** Tensors by format with bytes and bits per weight, and the largest of them. */
export function fileLines(files: FileFacts): string[] {
  const plural = files.files === 1 ? "file" : "files";
  const size = files.fileBytes === null ? "" : `, ${groupDigits(files.fileBytes)} B in all`;
  const bits =
    files.parameters > 0 ? `, ${((8 * files.totalBytes) / files.parameters).toFixed(4)} bits per weight` : "";
  return [
    `  ${files.files} ${files.container} ${plural}${size}`,
    `  ${groupDigits(files.totalBytes)} B of tensors${bits}`,
    ...alignRows(
      files.formats.map((row) => [
        row.format.toLowerCase(),
        `${groupDigits(row.tensors)} tensors`,
        `${groupDigits(row.elements)} values`,
        `${groupDigits(row.bytes)} B`,
        row.elements === 0 ? "" : `${((8 * row.bytes) / row.elements).toFixed(4)} bits`,
      ]),
      ["left", "right", "right", "right", "right"],
    ),
    "  largest",
    ...alignRows(
      files.largest.map((tensor) => [
        tensor.name,
        tensor.shape.join(" x "),
        tensor.format.toLowerCase(),
        sizeText(tensor.bytes, "GiB"),
      ]),
      ["left", "right", "left", "right"],
    ),
  ];
}

/** Adapter parameters per linear. */
export function loraLines(
  linears: readonly LoraLinear[],
  { rank, columns }: { readonly rank: number; readonly columns: number },
): string[] {
  const total = linears.reduce((sum, linear) => sum + linear.parameters, 0);
  const shapes = (linear: LoraLinear): string => `A ${linear.inDim} x ${rank}, B ${rank} x ${linear.outDim}`;
  const rows = alignRows(
    linears.map((linear) => [
      linear.name,
      shapes(linear),
      `${groupDigits(linear.parametersEach)} each`,
      `${groupDigits(linear.layers)} ${linear.layers === 1 ? "layer" : "layers"}`,
      groupDigits(linear.parameters),
    ]),
    ["left", "left", "right", "right", "right"],
  );
  const narrow = rows.some((row) => row.length > columns);
  return [
    ...(narrow
      ? linears.flatMap((linear) => [
          `  ${linear.name}`,
          `    ${shapes(linear)}`,
          `    ${groupDigits(linear.layers)} x ${groupDigits(linear.parametersEach)} = ${groupDigits(linear.parameters)}`,
        ])
      : rows),
    wrap(
      `  ${groupDigits(total)} trainable parameters; after merging, W + A @ B is the size of the base again`,
      columns,
      "    ",
    ),
    ...mergeLines(columns),
  ];
}

/** A weight of usual size, and updates from large to lost. */
const MERGED_WEIGHT = 0.02;
/** Columns that have no room for percentages. */
const NARROW = 54;
const MERGED_UPDATES = [1e-2, 1e-3, 1e-4, 5e-5] as const;

/** What rounding leaves of an update when it is merged into a weight. */
function mergeLines(columns: number): string[] {
  const change = (format: string, update: number): string => {
    const { stored, relativeError } = mergeWeight({ format, weight: MERGED_WEIGHT, update });
    const percent = columns < NARROW ? "" : ` (${(100 * relativeError).toFixed(1)} %)`;
    return stored === 0 ? "lost" : `${Number(stored.toPrecision(4))}${percent}`;
  };
  return [
    wrap(`  merging rounds once: what a weight of ${MERGED_WEIGHT} keeps of an update`, columns, "    "),
    ...alignRows(
      [
        ["update", "bf16", "fp16"],
        ...MERGED_UPDATES.map((update) => [String(update), change("bf16", update), change("fp16", update)]),
      ],
      ["right", "right", "right"],
    ).map((line) => `  ${line}`),
  ];
}

/** What the metadata says, a line for each thing that is there. */
export function ggufLines(facts: GgufFacts): string[] {
  const rope = [
    facts.ropeBase === null ? "" : `base ${groupDigits(Math.round(facts.ropeBase))}`,
    facts.ropeDimensions === null ? "" : `${facts.ropeDimensions} dimensions`,
    facts.ropeScaling === null
      ? ""
      : `scaling ${facts.ropeScaling}${facts.ropeScalingFactor === null ? "" : ` by ${Number(facts.ropeScalingFactor.toPrecision(6))}`}`,
  ].filter((text) => text !== "");
  const tokenizer = [
    facts.tokenizer ?? "",
    facts.tokenizerPre ?? "",
    facts.tokens === null ? "" : `${groupDigits(facts.tokens)} tokens`,
  ].filter((text) => text !== "");
  const rows: readonly (readonly [string, string | null])[] = [
    ["architecture", facts.architecture],
    [
      "name",
      facts.name === null ? null : [facts.name, facts.sizeLabel].filter((text) => text !== null).join(", "),
    ],
    ["file type", facts.fileType],
    ["context", facts.contextTokens === null ? null : `${groupDigits(facts.contextTokens)} tokens`],
    ["rope", rope.length === 0 ? null : rope.join(", ")],
    ["tokenizer", tokenizer.length === 0 ? null : tokenizer.join(", ")],
    ["quantization version", facts.quantizationVersion === null ? null : String(facts.quantizationVersion)],
    [
      "container",
      `version ${facts.version}, ${facts.littleEndian ? "little" : "big"} endian, aligned to ${facts.alignment} B`,
    ],
  ];
  return alignRows(
    rows.flatMap(([label, value]) => (value === null ? [] : [[label, printable(value)]])),
    ["left", "left"],
  );
}

/** Files may hold anything, terminal sequences among it. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, " ");
