/** Counts the tokens of the tokenizer that lies beside a config.json. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, type JsonObject } from "../architecture/config-reader.ts";
import { VramCalcError } from "../errors.ts";
import { parseJson } from "./json/parse-json.ts";
import { readBoundedTextFile } from "./json/text-file.ts";

export interface TokenizerFacts {
  /** File that was counted. */
  readonly file: string;
  /** Entries of the base vocabulary. */
  readonly baseTokens: number;
  /** Added tokens (special and others) whose id the base vocabulary does not have. */
  readonly addedTokens: number;
  /** Largest id that any token has. */
  readonly largestId: number;
  /** Distinct ids: the embedding rows that some token reaches. */
  readonly distinctIds: number;
}

/** The largest published tokenizer.json is 33 MB. */
const MOST_TOKENIZER_BYTES = 128 * 2 ** 20;

/**
 * Reads tokenizer.json, or vocab.json with added_tokens.json and tokenizer_config.json, whichever is there.
 *
 * @returns null when the directory has none of them
 * @throws malformed-file, unreadable-path
 */
export async function readTokenizer(directory: string): Promise<TokenizerFacts | null> {
  const ids = new Set<number>();
  const read = async (name: string): Promise<JsonObject | null> => {
    const file = join(directory, name);
    if (!existsSync(file)) return null;
    const value = parseJson(await readBoundedTextFile(file, MOST_TOKENIZER_BYTES), file);
    if (!isJsonObject(value))
      throw new VramCalcError("malformed-file", {
        file,
        found: "no object",
        expected: "a tokenizer's settings",
      });
    return value;
  };
  const tokenizer = await read("tokenizer.json");
  const vocabulary = tokenizer === null ? await read("vocab.json") : modelVocabulary(tokenizer);
  if (vocabulary === null) return null;
  addBase(vocabulary, ids);
  const baseTokens = ids.size;
  addTokens(tokenizer?.added_tokens, ids);
  addTokens((await read("tokenizer_config.json"))?.added_tokens_decoder, ids);
  addTokens(await read("added_tokens.json"), ids);
  let largestId = -1;
  for (const id of ids) if (id > largestId) largestId = id;
  return {
    file: tokenizer === null ? "vocab.json" : "tokenizer.json",
    baseTokens,
    addedTokens: ids.size - baseTokens,
    largestId,
    distinctIds: ids.size,
  };
}

/** `model.vocab`: an object of token -> id (BPE, WordPiece) or a list of [token, score] (Unigram). */
function modelVocabulary(tokenizer: JsonObject): unknown {
  const model = tokenizer.model;
  return isJsonObject(model) ? (model.vocab ?? null) : null;
}

function addBase(vocabulary: unknown, ids: Set<number>): void {
  if (Array.isArray(vocabulary)) for (let id = 0; id < vocabulary.length; id++) ids.add(id);
  else if (isJsonObject(vocabulary)) for (const id of Object.values(vocabulary)) addId(id, ids);
}

/** A list of {id}, an object of id -> token (tokenizer_config.json) or of token -> id (added_tokens.json). */
function addTokens(tokens: unknown, ids: Set<number>): void {
  if (Array.isArray(tokens)) {
    for (const token of tokens) if (isJsonObject(token)) addId(token.id, ids);
  } else if (isJsonObject(tokens)) {
    for (const [key, value] of Object.entries(tokens))
      addId(typeof value === "number" ? value : Number(key), ids);
  }
}

function addId(id: unknown, ids: Set<number>): void {
  if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0) ids.add(id);
}
