import { VramCalcError } from "../errors.ts";
import { type Bytes, parseBytes } from "../units.ts";

/** A part of some size, or a size of its own. */
export type Margin = { readonly share: number } | { readonly bytes: Bytes };

/**
 * Reads "5%" or a size.
 *
 * @param what names it in messages: "headroom"
 * @throws bad-quantity
 * @example parseMargin("headroom", "5%") // { share: 0.05 }
 * @example parseMargin("headroom", "2GiB") // { bytes: 2_147_483_648 }
 */
export function parseMargin(what: string, input: string | number): Margin {
  const text = String(input).trim();
  const percent = /^(\d+(?:\.\d+)?|\.\d+)\s*%$/.exec(text);
  if (percent === null) {
    if (/^\d+([._,\d]*\d)?\s*([kmgt]i?)?b?$/i.test(text)) return { bytes: parseBytes(text) };
  } else if (Number(percent[1]) <= 1e6) return { share: Number(percent[1]) / 100 };
  throw new VramCalcError("bad-quantity", {
    what,
    input: text,
    hint: "write a share such as 5% or a size such as 2GiB",
  });
}

/** The bytes that a margin is of a size, rounded up. */
export function marginOf(margin: Margin, bytes: Bytes): Bytes {
  return "bytes" in margin ? margin.bytes : Math.ceil(bytes * margin.share);
}
