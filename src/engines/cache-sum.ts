/** What a cache is made of, so that its sum can be done again by hand. */
import type { AttentionMixer } from "../architecture/mixers/mixer.ts";
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
const partBytes = (parts: readonly CachePart[]): Bytes =>
  parts.reduce((sum, { tokens, heads = 1, bytes }) => sum + (tokens ?? 1) * heads * bytes, 0);

/** Bytes of all layers, of one sequence. */
export const rowsBytes = (rows: readonly CachePartRow[]): Bytes =>
  rows.reduce((sum, { layers, parts }) => sum + layers * partBytes(parts), 0);

/**
 * The sum over layers in words, equal layers together.
 *
 * @param of what the whole is taken times, and what a token is called
 * @example cacheSum([{ layers: 32, parts: [{ tokens: 8192, heads: 8, bytes: 512 }] }], { times: ["sequences", 4] }).formula
 * // "{sequences} sequences x {tokens0} tokens x {layers0} layers x {heads0} KV heads x {bytes0} B"
 */
export function cacheSum(
  rows: readonly CachePartRow[],
  of: { readonly times?: readonly [name: string, count: number]; readonly tokens?: string },
): Explained {
  const merged: Merged[] = [];
  for (const { layers, parts } of rows)
    for (const { tokens, heads, bytes } of parts) {
      if (bytes === 0 || tokens === 0) continue;
      const known = merged.find((m) => m.tokens === tokens && m.heads === heads && m.bytes === bytes);
      if (known === undefined) merged.push({ tokens, heads, bytes, layers });
      else known.layers += layers;
    }
  const inputs: Record<string, number> = {};
  const texts = merged.map(({ tokens, heads, bytes, layers }, i) => {
    const text = partText(i, { tokens: tokens === null ? null : (of.tokens ?? "tokens"), heads });
    if (tokens !== null) inputs[text.tokens] = tokens;
    if (heads !== undefined) inputs[text.heads] = heads;
    inputs[text.layers] = layers;
    inputs[text.bytes] = bytes;
    return text.formula;
  });
  const sum = texts.length === 1 ? texts[0]! : texts.join(" + ");
  if (of.times === undefined) return { formula: sum, inputs };
  const [name, count] = of.times;
  inputs[name] = count;
  return { formula: `{${name}} ${name} x ${texts.length > 1 ? `(${sum})` : sum}`, inputs };
}

interface PartText {
  readonly formula: string;
  readonly tokens: string;
  readonly layers: string;
  readonly heads: string;
  readonly bytes: string;
}

/** Formulas have few shapes, and every line of a stream of results has one. */
const partTexts = new Map<string, PartText[]>();

function partText(
  i: number,
  { tokens, heads }: { readonly tokens: string | null; readonly heads: number | undefined },
): PartText {
  const shape = `${tokens}${heads === undefined ? "" : "+"}`;
  let known = partTexts.get(shape);
  if (known === undefined) {
    known = [];
    partTexts.set(shape, known);
  }
  for (let n = known.length; n <= i; n++) {
    const formula = [
      ...(tokens === null ? [] : [`{tokens${n}} ${tokens}`]),
      `{layers${n}} layers`,
      ...(heads === undefined ? [] : [`{heads${n}} KV heads`]),
      `{bytes${n}} B`,
    ].join(" x ");
    known.push({
      formula,
      tokens: `tokens${n}`,
      layers: `layers${n}`,
      heads: `heads${n}`,
      bytes: `bytes${n}`,
    });
  }
  return known[i]!;
}

interface Merged {
  readonly tokens: Tokens | null;
  readonly heads: number | undefined;
  readonly bytes: Bytes;
  layers: number;
}
