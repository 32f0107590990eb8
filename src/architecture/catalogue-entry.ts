/** Reads the lines of the catalogue. */

/** A well-known model as plain facts. */
export interface CatalogueEntry {
  /** Name that people type. */
  readonly name: string;
  /** Repository of the published config. */
  readonly hub: string;
  /** The keys that decide sizes, as published. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Keys that nearly every line has. */
const SHORT: { readonly [key: string]: string } = {
  h: "hidden_size",
  l: "num_hidden_layers",
  a: "num_attention_heads",
  kv: "num_key_value_heads",
  d: "head_dim",
  f: "intermediate_size",
  v: "vocab_size",
  p: "max_position_embeddings",
  w: "sliding_window",
  tie: "tie_word_embeddings",
  t: "dtype",
};

/** JSON, or a bare word. */
const literal = (text: string): unknown =>
  /^([-\d[{]|true$|false$|null$)/.test(text) ? JSON.parse(text) : text;

/** `text_config.h=64` sets hidden_size of text_config. */
function assign(config: Record<string, unknown>, pair: string): void {
  const equals = pair.indexOf("=");
  const path = pair.slice(0, equals).split(".");
  const last = path.pop()!;
  let at = config;
  for (const part of path) {
    const inner = { ...(at[part] as Record<string, unknown> | undefined) };
    at[part] = inner;
    at = inner;
  }
  at[SHORT[last] ?? last] = literal(pair.slice(equals + 1));
}

/**
 * The entry of one line: name, repository, model type ("-" for a file without one) and keys; or `=name`, whose config
 * it has but for the keys that follow.
 *
 * @example readCatalogueLine("tiny org/tiny llama h=64 l=2", () => ({})).config // { model_type: "llama", hidden_size: 64, num_hidden_layers: 2 }
 */
export function readCatalogueLine(
  line: string,
  configOf: (name: string) => CatalogueEntry["config"],
): CatalogueEntry {
  const [name, hub, type, ...pairs] = line.split(" ") as [string, string, string, ...string[]];
  const config: Record<string, unknown> = type.startsWith("=")
    ? { ...configOf(type.slice(1)) }
    : type === "-"
      ? {}
      : { model_type: type };
  for (const pair of pairs) assign(config, pair);
  return { name, hub, config };
}
