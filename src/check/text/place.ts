import { VramCalcError } from "../../errors.ts";

export interface Place {
  /** Both count from 1; columns in UTF-16 units, as editors count. */
  readonly line: number;
  readonly column: number;
}

/** A text and what messages call it. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/** One-based line and column of an offset. */
export function placeAt(text: string, offset: number): Place {
  let line = 1;
  let lineStart = 0;
  for (let i = text.indexOf("\n"); i !== -1 && i < offset; i = text.indexOf("\n", i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** Places of many offsets of one text: the line starts are found once. */
export function placesIn(text: string): (offset: number) => Place {
  const starts = [0];
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}

/** The error for a place of a budgets file: what is wrong there, and something to paste that would be right. */
export function badBudgets(
  { file, text }: TextFile,
  offset: number,
  problem: string,
  example: string | null = EXAMPLE_ROW,
): VramCalcError<"bad-budgets"> {
  const place = placeAt(text, offset);
  return new VramCalcError("bad-budgets", {
    file,
    ...place,
    problem,
    ...(example === null ? {} : { example: /\.ya?ml$/i.test(file) ? yamlExample(example) : example }),
  });
}

/**
 * The same without the quotes that YAML does not need.
 *
 * @example yamlExample('"gpu": "l40s"') // "gpu: l40s"
 */
const yamlExample = (example: string): string => example.replace(/"([A-Za-z][\w.-]*|\d+[a-zA-Z]+)"/g, "$1");

/** A row that reads the same in JSON, JSONC and YAML. */
export const EXAMPLE_ROW = '{ "model": "qwen2.5-14b", "gpu": "l40s", "context": "8k" }';
/** A whole file that reads the same in JSON, JSONC and YAML. */
export const EXAMPLE_FILE = `{ "budgets": [${EXAMPLE_ROW}] }`;

/** What stands at an offset, as messages quote it. */
export function foundAt(text: string, offset: number): string {
  if (offset >= text.length) return "the end of the file";
  const code = text.codePointAt(offset)!;
  if (code === 0x0a || code === 0x0d) return "the end of the line";
  if (code === 0x09) return "a tab";
  if (code < 0x20 || (code >= 0x7f && code < 0xa0))
    return `the control character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const word = /^\w+/.exec(text.slice(offset, offset + 41))?.[0] ?? String.fromCodePoint(code);
  return quoted(word);
}

/** A text in quotes, cut to 40 characters. */
export const quoted = (text: string): string => `"${text.length > 40 ? `${text.slice(0, 37)}...` : text}"`;
