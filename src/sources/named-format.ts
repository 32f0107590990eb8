/** A quantization that the name of a file or directory tells and its config.json does not. */
import type { Note } from "../architecture/model.ts";

/** Words of names, and the format to ask for. */
const NAMED: readonly (readonly [word: RegExp, dtype: string])[] = [
  [/nvfp4/, "nvfp4"],
  [/mxfp4/, "mxfp4"],
  [/mxfp8/, "mxfp8"],
  [/(?:w8a8-)?fp8(?:-dynamic|-block)?/, "fp8"],
  [/awq/, "awq"],
  [/gptq/, "gptq"],
  [/w4a16/, "ct-w4a16-g128"],
  [/w8a8/, "ct-w8a8"],
  [/4-?bit|int4/, "awq"],
  [/8-?bit|int8/, "int8"],
];

/**
 * The note for a config that says nothing of a quantization while the name over it does; repositories of
 * some tools keep that in a second file. Only the file, or the folder of a config.json, counts.
 *
 * @example namedFormatNote("nvidia__Llama-3.1-70B-Instruct-FP8.json").details // { dtype: "fp8" }
 */
export function namedFormatNote(path: string): Note | null {
  const name = path
    .split(/[/\\]/)
    .filter((part) => part !== "" && part !== "config.json")
    .slice(-1)
    .join("/")
    .replace(/\.json$/i, "")
    .toLowerCase();
  for (const [word, dtype] of NAMED) {
    const found = new RegExp(`(?:^|[-_./])(${word.source})(?:$|[-_./])`).exec(name);
    if (found === null) continue;
    return {
      code: "format-in-name",
      message:
        `"${found[1]}" is in the name, but config.json says nothing of a quantization: without --dtype ${dtype} ` +
        "the weights are sized in the config's own format; the weight files beside it would tell",
      details: { dtype },
    };
  }
  return null;
}
