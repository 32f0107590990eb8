/** What a cache is made of, so that its sum can be done again by hand. */
import type { AttentionMixer } from "../architecture/model.ts";
import type { Explained } from "../memory/term.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { CacheFormat } from "./cache-format.ts";

/** Bytes that one layer keeps: of so many tokens, or once per sequence where `tokens` is null. */
export interface CachePart {
  readonly tokens: Tokens | null;
  /** KV heads that each keep `bytes`; 1 where the bytes are those of all heads. */
  readonly heads?: number;
  /** Of one token, or of the whole. */
  readonly bytes: Bytes;
}

export interface CachePartRow {
  readonly layers: number;
  readonly parts: readonly CachePart[];
}

/** Keys and values of one position in one layer, by head; an index key beside them is of no head. */
export function attentionParts(
  mixer: AttentionMixer,
  tokens: Tokens,
  { format, heads = mixer.kvHeads }: { readonly format: CacheFormat; readonly heads?: number },
): readonly CachePart[] {
  const bytes = format.keyBytesPerVector(mixer.keyDim) + format.valueBytesPerVector(mixer.valueDim);
  const vectors = { tokens, heads, bytes };
  return mixer.indexKeyDim === undefined
    ? [vectors]
    : [vectors, { tokens, bytes: format.keyBytesPerVector(mixer.indexKeyDim) }];
}

/** Bytes of the parts of one layer. */
export const partBytes = (parts: readonly CachePart[]): Bytes =>
  parts.reduce((sum, { tokens, heads = 1, bytes }) => sum + (tokens ?? 1) * heads * bytes, 0);

/** Bytes of all layers, of one sequence. */
export const rowsBytes = (rows: readonly CachePartRow[]): Bytes =>
  rows.reduce((sum, { layers, parts }) => sum + layers * partBytes(parts), 0);

/**
 * The sum over layers in words, equal layers together.
 *
 * @param of what the whole is taken times, and what a token is called
 * @example cacheSum([{ layers: 32, parts: [{ tokens: 8192, heads: 8, bytes: 512 }] }], { times: [["sequences", 4]] }).formula
 * // "{sequences} sequences x {tokens0} tokens x {layers0} layers x {heads0} KV heads x {bytes0} B"
 */
export function cacheSum(
  rows: readonly CachePartRow[],
  of: { readonly times?: readonly (readonly [name: string, count: number])[]; readonly tokens?: string },
): Explained {
  const merged = new Map<string, { readonly part: CachePart; layers: number }>();
  for (const { layers, parts } of rows)
    for (const part of parts) {
      if (part.bytes === 0 || part.tokens === 0) continue;
      const key = `${part.tokens} ${part.heads} ${part.bytes}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { part, layers });
      else known.layers += layers;
    }
  const inputs: Record<string, number> = {};
  const texts = [...merged.values()].map(({ part: { tokens, heads, bytes }, layers }, i) => {
    inputs[`layers${i}`] = layers;
    inputs[`bytes${i}`] = bytes;
    if (tokens !== null) inputs[`tokens${i}`] = tokens;
    if (heads !== undefined) inputs[`heads${i}`] = heads;
    return [
      ...(tokens === null ? [] : [`{tokens${i}} ${of.tokens ?? "tokens"}`]),
      `{layers${i}} layers`,
      ...(heads === undefined ? [] : [`{heads${i}} KV heads`]),
      `{bytes${i}} B`,
    ].join(" x ");
  });
  const factors = (of.times ?? []).map(([name, count]) => {
    inputs[name] = count;
    return `{${name}} ${name}`;
  });
  const sum = texts.length === 1 || factors.length === 0 ? texts.join(" + ") : `(${texts.join(" + ")})`;
  return { formula: [...factors, sum].join(" x "), inputs };
}
