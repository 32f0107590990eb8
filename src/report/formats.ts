/** What `vram-calc formats` prints: the table, formats explained, or numbers encoded. */
import type { Note } from "../architecture/model.ts";
import { type BlockRounding, roundBlocks } from "../formats/block-rounding.ts";
import { describeAllFormats, describeFormat, type FormatDescription } from "../formats/describe-format.ts";
import { type EncodedValue, encodeValue } from "../formats/encode-value.ts";
import { parseTyped } from "../formats/exact-decimal.ts";
import type { FormatsRequest } from "../formats/formats-arguments.ts";
import type { Overflow } from "../formats/overflow.ts";
import { formatsCompared } from "./formats-compare.ts";
import { formatDetail } from "./formats-detail.ts";
import { formatsTable } from "./formats-table.ts";
import type { FormatsReportOptions } from "./formats-text.ts";
import { blockRounding, formatValue } from "./formats-value.ts";

export { blockRounding, type FormatsReportOptions, formatDetail, formatsTable, formatValue };

/** The JSON of `vram-calc formats --json`. */
export interface FormatsData {
  readonly schema: "vram-calc/formats@1";
  /** The formats asked for, or all of them. */
  readonly formats: readonly FormatDescription[];
  /** Each value in each format of single values, value by value. */
  readonly values: readonly EncodedValue[];
  /** All values together in each block format. */
  readonly blocks: readonly BlockRounding[];
  /** A key that every result has. */
  readonly notes: readonly Note[];
}

/**
 * Answers a request as plain data.
 *
 * @throws unknown-name, bad-quantity, bad-option
 * @example formatsData({ formats: ["bf16"], values: ["3.14159"] }).values[0].stored.value // "3.140625"
 */
export function formatsData({ formats, values }: FormatsRequest, overflow?: Overflow): FormatsData {
  const described = formats.length === 0 ? describeAllFormats() : formats.map(describeFormat);
  const encoded = formats.length === 0 || values.length === 0;
  const plain = encoded ? [] : described.filter((format) => format.kind !== "block");
  const blocks = encoded ? [] : described.filter((format) => format.kind === "block");
  return {
    schema: "vram-calc/formats@1",
    formats: described,
    values: values.flatMap((value) => plain.map((format) => encodeValue(format.id, value, overflow))),
    blocks: blocks.map((format) => roundBlocks(format.id, doubles(values))),
    notes: [],
  };
}

const doubles = (values: readonly string[]): readonly number[] =>
  values.map((value) => parseTyped(value).double);

/**
 * Answers a request as text.
 *
 * @returns lines joined by newlines, without one at the end
 * @throws unknown-name, bad-quantity, bad-option
 */
export function formatsText(
  request: FormatsRequest,
  options: FormatsReportOptions & { readonly overflow?: Overflow },
): string {
  const data = formatsData(request, options.overflow);
  if (request.formats.length === 0) return formatsTable(data.formats, options);
  if (request.values.length === 0)
    return data.formats.length === 1
      ? formatDetail(data.formats[0]!, options)
      : formatsCompared(data.formats, options);
  const perValue = data.values.length / request.values.length;
  const parts = request.values.map((_, i) =>
    formatValue(data.values.slice(i * perValue, (i + 1) * perValue), options),
  );
  const rounded = data.blocks.map((block) => blockRounding(doubles(request.values), block, options));
  return [...parts, ...rounded].filter((part) => part !== "").join("\n\n");
}
