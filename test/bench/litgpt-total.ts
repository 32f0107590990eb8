import { deviceShares } from "../../src/parallelism/share.ts";
import type { MeasuredRow } from "../engines/measured-rows.ts";
import { type Run, term } from "./serving-run.ts";

/**
 * litgpt's peak: weights, cache, logits, and what bitsandbytes needs for the widest matrix, here always the head:
 * 4 bits: the matrix unpacked to fp16 and cast to bf16, while the prompt is read (2 + 2 B an element; it quantizes
 * from fp16). int8: the fp16 original and two orders of codes, while it is quantized at load (2 + 1 + 1 B).
 * Several cards: blocks are divided, by layers or by tensor; embedding and head stay whole on the first.
 * Source: lightning `fabric/plugins/precision/bitsandbytes.py`, bitsandbytes 0.41 `autograd/_functions.py`,
 * litgpt `generate/sequentially.py` and `generate/tp.py`.
 */
export function litgptBytes(row: MeasuredRow, { model, result, stored }: Run): number {
  const cards = Number(/-(?:sequential|tp)(\d+)$/.exec(row.id)?.[1] ?? 1);
  const { storage } = stored;
  // A stage in the middle of four has a quarter of the blocks and nothing else.
  const blocks = cards === 1 ? 0 : 4 * storage.bytesOf(deviceShares(model, SPLIT_IN_4)[1]!.share);
  const widest = row.storage?.startsWith("bnb.") === true ? model.vocabSize * model.hiddenSize * 4 : 0;
  const terms = result.devices[0]!.terms;
  const held = storage.bytesOf(model) - blocks * (1 - 1 / cards);
  return held + term(terms, "kv-cache") / cards + term(terms, "logits") + widest;
}

const SPLIT_IN_4 = { tp: 1, pp: 4, ep: 1, dp: 1 } as const;
