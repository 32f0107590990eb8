/** A number as formats store it: one format in full, or several side by side. */
import type { BlockRounding } from "../formats/block-rounding.ts";
import { doubleText, type EncodedValue, type StoredCode } from "../formats/encode-value.ts";
import { FLOAT_FORMATS } from "../formats/number-formats.ts";
import {
  columnTable,
  type FormatsReportOptions,
  labelled,
  paintOf,
  paragraph,
  percent,
  shortened,
} from "./formats-text.ts";

/** The bits of a code, a space between fields, the unused ones in brackets. */
function bitsText(value: EncodedValue): string {
  if (value.fields === null) return "-";
  const { sign, exponent, fraction, unused } = value.fields;
  const fields = [sign, exponent, fraction].filter((field) => field !== "").join(" ");
  return unused === "" ? fields : `${fields} (${unused.length} unused)`;
}

/** Where the code is a finite float: the arithmetic that leads from its fields to its value. */
function readingText(value: EncodedValue): string | undefined {
  const f = FLOAT_FORMATS.get(value.format);
  if (f === undefined || value.fields === null || !/^-?\d/.test(value.stored?.value ?? "")) return undefined;
  const exponent = Number.parseInt(value.fields.exponent, 2);
  const fraction = value.fields.fraction === "" ? 0 : Number.parseInt(value.fields.fraction, 2);
  const sign = f.signBits === 1 ? `(-1)^${value.fields.sign} x ` : "";
  const steps = 2 ** f.fractionBits;
  if (f.fractionBits === 0) return `${sign}2^(${exponent}-${f.bias})`;
  return exponent === 0
    ? `${sign}2^${1 - f.bias} x ${fraction}/${steps}`
    : `${sign}2^(${exponent}-${f.bias}) x (1 + ${fraction}/${steps})`;
}

/** Errors and neighbours are exact as long as they are short. */
const errorText = (exact: string): string => shortened(exact, { limit: 24, digits: 3 });
const neighbourText = (code: StoredCode): string =>
  `${shortened(code.value, { limit: 120, digits: 17 })} (${code.hex})`;

/** What to say of an outcome, where the figures do not say it. */
function outcomeText(value: EncodedValue): string | undefined {
  switch (value.outcome) {
    case "exact":
      return "stored exactly";
    case "underflow":
      return "too small: rounds to zero";
    case "out-of-range":
      return `out of range: becomes ${shortened(value.stored!.value, { limit: 40, digits: 5 })}`;
    case "code":
      return "read as a bit pattern";
    case "refused":
      return value.reason ?? undefined;
    case "rounded":
    case "special":
      return undefined;
  }
}

/**
 * How formats store one number: every detail for one format, a comparison for several.
 *
 * @param encoded the same number in each format
 * @returns lines joined by newlines, without one at the end
 */
export function formatValue(encoded: readonly EncodedValue[], options: FormatsReportOptions): string {
  const [first, ...others] = encoded;
  if (first === undefined) return "";
  return others.length === 0 ? single(first, options) : comparison(encoded, options);
}

function single(value: EncodedValue, options: FormatsReportOptions): string {
  const say = (label: string, text: string): string => labelled(label, text, options);
  const lines = [paintOf(options)("strong", `${value.typed} in ${value.format}`)];
  lines.push(...doubleNote(value, options));
  if (value.stored === null) return [...lines, paragraph(value.reason ?? "", options.columns)].join("\n");
  lines.push(
    say("bits", bitsText(value)),
    say("hex", value.stored.hex),
    say("stored value", value.stored.value),
  );
  const reading = readingText(value);
  if (reading !== undefined) lines.push(say("read as", reading));
  const outcome = outcomeText(value);
  if (outcome !== undefined) lines.push(say("outcome", outcome));
  if (value.absoluteError !== null && value.outcome !== "exact") {
    lines.push(say("absolute error", value.absoluteError));
    if (value.relativeError !== null) lines.push(say("relative error", percent(value.relativeError)));
  }
  if (value.below !== null) lines.push(say("next below", neighbourText(value.below)));
  if (value.above !== null) lines.push(say("next above", neighbourText(value.above)));
  return lines.join("\n");
}

/** Said once, because it is no property of a format. */
function doubleNote(value: EncodedValue, options: FormatsReportOptions): readonly string[] {
  if (value.nearestDouble === null) return [];
  const nearest = shortened(value.nearestDouble, { limit: 80, digits: 17 });
  return [
    paintOf(options)(
      "dim",
      paragraph(
        `${value.typed} is no double: the nearest is ${nearest}. Rounded here from what was typed.`,
        options.columns,
        2,
      ),
    ),
  ];
}

function comparison(encoded: readonly EncodedValue[], options: FormatsReportOptions): string {
  const paint = paintOf(options);
  const stored = (value: EncodedValue): string => value.stored?.value ?? "refused";
  const error = (value: EncodedValue): string =>
    value.absoluteError === null ? "-" : value.outcome === "exact" ? "0" : errorText(value.absoluteError);
  const relative = (value: EncodedValue): string =>
    value.relativeError === null ? "-" : percent(value.relativeError);
  const shortStored = (value: EncodedValue): string => shortened(stored(value), { limit: 28, digits: 10 });
  const lines = columnTable(
    encoded,
    [
      { heading: "format", cell: (v) => v.format },
      { heading: "bits", cell: bitsText },
      { heading: "hex", cell: (v) => v.stored?.hex ?? "-" },
      { heading: "stored", cell: shortStored },
      { heading: "error", cell: error },
      { heading: "relative", cell: relative },
    ],
    {
      ...options,
      givenUp: ["bits", "error", "hex"],
      stacked: (v) => [
        paint("strong", v.format),
        `${shortStored(v)}${v.stored === null ? "" : ` ${v.stored.hex}`}`,
        `error ${relative(v)}`,
      ],
    },
  );
  const notes = encoded.flatMap((value) => {
    const text = outcomeText(value);
    return text === undefined || value.outcome === "exact" || value.outcome === "code"
      ? []
      : [paint("dim", paragraph(`${value.format}: ${text}`, options.columns, 2))];
  });
  const [first] = encoded;
  return [paint("strong", first!.typed), ...doubleNote(first!, options), ...lines, ...notes].join("\n");
}

const figure = (x: number): string => shortened(doubleText(x), { limit: 14, digits: 6 });

/** Values after a round trip through one block format, block by block. */
export function blockRounding(
  typed: readonly number[],
  rounding: BlockRounding,
  options: FormatsReportOptions,
): string {
  const paint = paintOf(options);
  const lines = [
    paint(
      "strong",
      paragraph(
        `${typed.length} value${typed.length === 1 ? "" : "s"} quantized together in ${rounding.format}`,
        options.columns,
      ),
    ),
  ];
  let at = 0;
  for (const block of rounding.blocks) {
    lines.push(`block of ${block.values.length}, scale ${figure(block.scale)}`);
    const rows = block.values.map((value, i) => ({ x: typed[at + i]!, code: block.codes[i]!, value }));
    at += rows.length;
    lines.push(
      ...columnTable(
        rows,
        [
          { heading: "value", align: "right", cell: (row) => String(row.x) },
          { heading: "code", align: "right", cell: (row) => String(row.code) },
          { heading: "stored", align: "right", cell: (row) => figure(row.value) },
          {
            heading: "error",
            align: "right",
            cell: (row) => (row.x === 0 ? "-" : percent((row.value - row.x) / Math.abs(row.x))),
          },
        ],
        { ...options, givenUp: ["code"], stacked: (row) => [`${row.x} -> ${figure(row.value)}`] },
      ),
    );
  }
  return lines.join("\n");
}
