/** One number format explained: its bits drawn, its limits derived step by step. */

import type {
  BlockDescription,
  FloatDescription,
  FormatDescription,
  IntegerDescription,
} from "../formats/describe-format.ts";
import { decodeFloat } from "../formats/float-codec.ts";
import { formatByName } from "../formats/format-names.ts";
import { FLOAT_FORMATS, type FloatFormat } from "../formats/number-formats.ts";
import { derivation } from "./formats-derivation.ts";
import { bitsArithmetic } from "./formats-table.ts";
import { bytesText, type FormatsReportOptions, fill, labelled, paintOf, paragraph } from "./formats-text.ts";

interface Field {
  readonly letter: string;
  readonly name: string;
  readonly bits: number;
}

/**
 * A format in full.
 *
 * @returns lines joined by newlines, without one at the end
 */
export function formatDetail(format: FormatDescription, options: FormatsReportOptions): string {
  const paint = paintOf(options);
  const title = paragraph(`${format.id}: ${format.name}`, options.columns, 2);
  const lines = [paint("strong", title)];
  if (format.aliases.length > 0) lines.push(labelled("also called", format.aliases.join(", "), options));
  if (format.ggmlId !== null) lines.push(labelled("ggml type", String(format.ggmlId), options));
  lines.push("");
  switch (format.kind) {
    case "float":
      lines.push(...floatLines(format, options));
      break;
    case "integer":
      lines.push(...integerLines(format, options));
      break;
    case "block":
      lines.push(...blockLines(format, options));
      break;
  }
  return lines.join("\n");
}

/** A box of one letter per bit, and which bits each field is; the box only where it fits. */
function bitBox(fields: readonly Field[], options: FormatsReportOptions): readonly string[] {
  const shown = fields.filter((field) => field.bits > 0);
  const total = shown.reduce((sum, field) => sum + field.bits, 0);
  const lines: string[] = [];
  if (total + shown.length + 1 <= options.columns) {
    const rule = (left: string, middle: string, right: string): string =>
      left + shown.map((field) => "─".repeat(field.bits)).join(middle) + right;
    lines.push(
      rule("┌", "┬", "┐"),
      `│${shown.map((field) => field.letter.repeat(field.bits)).join("│")}│`,
      rule("└", "┴", "┘"),
    );
  }
  let high = total - 1;
  for (const field of shown) {
    const low = high - field.bits + 1;
    const where = low === high ? `bit ${high}` : `bits ${high}-${low}`;
    lines.push(
      paragraph(
        `${field.letter}  ${field.name}: ${field.bits} bit${field.bits === 1 ? "" : "s"}, ${where}`,
        options.columns,
        3,
      ),
    );
    high = low - 1;
  }
  return lines;
}

function floatLines(d: FloatDescription, options: FormatsReportOptions): readonly string[] {
  const f = FLOAT_FORMATS.get(d.id)!;
  const unused: Field = { letter: "-", name: "unused", bits: d.storageBits - d.significantBits };
  const fields: readonly Field[] = [
    ...(f.unused === "high" ? [unused] : []),
    { letter: "s", name: "sign", bits: f.signBits },
    { letter: "e", name: "exponent", bits: f.exponentBits },
    { letter: "f", name: "fraction", bits: f.fractionBits },
    ...(f.unused === "low" ? [unused] : []),
  ];
  const say = (label: string, text: string): string => labelled(label, text, options);
  const small = d.significantBits <= 6;
  return [
    ...bitBox(fields, options),
    "",
    say("size", sizeText(d)),
    ...derivation(d, f).map(([label, text]) => say(label, text)),
    ...(small ? [say("values", valuesOf(f))] : []),
  ];
}

function sizeText(d: FloatDescription): string {
  const used = d.significantBits < d.storageBits ? `, ${d.significantBits} of them used` : "";
  const [part] = d.parts;
  const packed = part!.elements === 1 ? "" : `: ${part!.elements} values in ${bytesText(part!.bytes)}`;
  return `${d.storageBits} bits${used}, ${bytesText(d.storageBits / 8)}${packed}`;
}

/** The magnitudes of a format of a few bits. */
function valuesOf(f: FloatFormat): string {
  const magnitudes = 2 ** (f.exponentBits + f.fractionBits);
  const values = Array.from({ length: magnitudes }, (_, code) => String(decodeFloat(f, code)));
  return `${values.join(" ")}${f.signBits === 1 ? ", and their negatives" : ""}`;
}

function integerLines(d: IntegerDescription, options: FormatsReportOptions): readonly string[] {
  const say = (label: string, text: string): string => labelled(label, text, options);
  const { storageBits: bits, signed } = d;
  const packed = bits < 8 ? `: ${8 / bits} values in 1 byte` : "";
  const high: Field = signed
    ? { letter: "s", name: `worth -2^${bits - 1}`, bits: 1 }
    : { letter: "i", name: "worth 2^i at bit i", bits };
  const rest: Field = { letter: "i", name: "worth 2^i at bit i", bits: bits - 1 };
  return [
    ...bitBox(signed ? [high, rest] : [high], options),
    "",
    say("size", `${bits} bits, ${bytesText(bits / 8)}${packed}`),
    say("value", signed ? `two's complement: -2^${bits - 1} x s + the rest` : "the sum of its bits"),
    say("largest", `2^${signed ? bits - 1 : bits} - 1 = ${d.largest}`),
    say("lowest", signed ? `-2^${bits - 1} = ${d.lowest}` : d.lowest),
    say("range", `[${d.lowest}, ${d.largest}]`),
    say("specials", "no infinity, no NaN, no -0"),
    say("too large", "becomes the nearest end by convention"),
  ];
}

function blockLines(d: BlockDescription, options: FormatsReportOptions): readonly string[] {
  const say = (label: string, text: string): string => labelled(label, text, options);
  const lines: string[] = [];
  const names = d.fields.map((field) => `${field.name}: ${field.bytes} B`);
  const width = names.reduce((sum, name) => sum + name.length + 3, 1);
  if (width <= options.columns) {
    const rule = (left: string, middle: string, right: string): string =>
      left + names.map((name) => "─".repeat(name.length + 2)).join(middle) + right;
    lines.push(rule("┌", "┬", "┐"), `│ ${names.join(" │ ")} │`, rule("└", "┴", "┘"));
  }
  const longest = Math.max(...d.fields.map((field) => field.name.length));
  let at = 0;
  for (const field of d.fields) {
    const where = field.bytes === 1 ? `byte ${at}` : `bytes ${at}-${at + field.bytes - 1}`;
    const first = `${field.name.padEnd(longest)}  `;
    lines.push(fill(`${where}: ${field.holds}`, { columns: options.columns, first, rest: first.length }));
    at += field.bytes;
  }
  const sum = d.fields.map((field) => field.bytes).join(" + ");
  lines.push(
    "",
    say("block", `${d.blockElements} values in ${sum} = ${d.blockBytes} bytes`),
    say("bits per value", bitsArithmetic(formatByName(d.id))),
    say("element", d.element),
    say("scale", d.scale),
    say("value", d.value),
  );
  if (d.beside !== null) lines.push(say("beside the blocks", d.beside));
  const element = FLOAT_FORMATS.get(d.element);
  if (element !== undefined && element.exponentBits + element.fractionBits <= 5)
    lines.push(say("element values", valuesOf(element)));
  if (d.codeBook !== null) lines.push("", ...entryLines(d.codeBook, options));
  return lines;
}

function entryLines(
  book: NonNullable<BlockDescription["codeBook"]>,
  options: FormatsReportOptions,
): readonly string[] {
  const title = paragraph(`code book ${book.id}: ${book.name}`, options.columns, 2);
  const rows = book.entries.map(
    (x, code) => `  ${code.toString(2).padStart(4, "0")}  ${x < 0 ? "" : " "}${x}`,
  );
  return [paintOf(options)("dim", title), ...rows];
}
