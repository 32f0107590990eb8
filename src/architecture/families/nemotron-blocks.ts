/** The kinds of block of a Nemotron-H model, from a list of words or a pattern of letters. */
import type { ConfigReader } from "../config-reader.ts";

export type Block = "mamba" | "attention" | "mlp" | "moe";

const LETTERS: { readonly [letter: string]: Block } = { M: "mamba", "*": "attention", "-": "mlp", E: "moe" };
const WORDS: { readonly [word: string]: Block } = {
  mamba: "mamba",
  linear_attention: "mamba",
  attention: "attention",
  full_attention: "attention",
  mlp: "mlp",
  moe: "moe",
};

/** Blocks under a word list, else under a pattern string; undefined when neither is there. */
export function readBlocks(
  config: ConfigReader,
  keys: { readonly words: readonly string[]; readonly pattern: string },
): readonly Block[] | undefined {
  const words = config.texts(keys.words);
  const pattern = words === undefined ? config.optionalText(keys.pattern) : undefined;
  if (words === undefined && pattern === undefined) return undefined;
  const key = words === undefined ? keys.pattern : keys.words[0]!;
  const table = words === undefined ? LETTERS : WORDS;
  const tokens = words ?? [...pattern!];
  if (tokens.length > 100_000) config.fail(key, "at most 100,000 blocks");
  return tokens.map((token) =>
    Object.hasOwn(table, token)
      ? table[token]!
      : config.fail(key, `blocks of the kinds ${Object.keys(table).join(" ")}`),
  );
}
