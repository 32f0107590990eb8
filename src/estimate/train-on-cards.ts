import type { Note } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";
import type { Bytes } from "../units.ts";
import { idleNotes } from "./idle-notes.ts";
import type { TrainRequest } from "./train-request.ts";

/** Equal cards, and what each has. */
export interface Cards {
  readonly count: number;
  readonly bytes: Bytes;
}

/**
 * The request on the cards that it is held against: replicas on all of them when no degree is said. The allocator's
 * cache ends with the card, so that the verdict is about what has to fit.
 *
 * @returns the request with `deviceBytes`, and a note on cards that stay empty
 * @throws bad-option for degrees that need more cards
 * @example onCards({ method: "lora" }, { count: 4, bytes: 80e9 }).request.parallel // { dp: 4 }
 */
export function onCards(
  request: TrainRequest,
  cards: Cards | null,
): { readonly request: TrainRequest; readonly notes: readonly Note[] } {
  if (cards === null) return { request, notes: [] };
  const held: TrainRequest = { ...request, deviceBytes: cards.bytes };
  if (cards.count === 1) return { request: held, notes: [] };
  const { dp, tp, pp, cp } = request.parallel ?? {};
  if ([dp, tp, pp, cp].every((degree) => degree === undefined))
    return { request: { ...held, parallel: { ...request.parallel, dp: cards.count } }, notes: [] };
  const world = (dp ?? 1) * (tp ?? 1) * (pp ?? 1) * (cp ?? 1);
  if (world > cards.count)
    throw new VramCalcError("bad-option", {
      option: "--gpu",
      given: `${cards.count} cards for degrees that make ${world} ranks`,
      expected: `${world} cards, or smaller --dp, --tp, --pp and --cp`,
    });
  return { request: held, notes: idleNotes(cards.count, world) };
}
