/** Which of the cards that people ask about first hold a model. */
import { checkBudget, type Need } from "../budget.ts";
import type { CommonCard } from "../hardware/common-cards.ts";

/** `sure`: the careful edge of the estimate fits. `tight`: only the expected total does. */
export interface HoldingCards {
  readonly sure: readonly CommonCard[];
  readonly tight: readonly CommonCard[];
  /** The largest that was asked about. */
  readonly largest: CommonCard;
}

/**
 * The cards that hold a need.
 *
 * @param needOn the need on one card: an engine that cuts its pool from the card needs another on each
 * @example holdingCards([{ id: "a", name: "A", usableBytes: 32 }], () => ({ total: { bytes: 30, low: 29, high: 33 } })).tight.length // 1
 */
export function holdingCards(
  cards: readonly [CommonCard, ...CommonCard[]],
  needOn: (card: CommonCard) => Need,
): HoldingCards {
  const sure: CommonCard[] = [];
  const tight: CommonCard[] = [];
  for (const card of cards) {
    const need = needOn(card);
    const limit = { bytes: card.usableBytes };
    if (checkBudget(need, limit, "high").fits) sure.push(card);
    else if (checkBudget(need, limit).fits) tight.push(card);
  }
  const largest = cards.reduce((most, card) => (card.usableBytes > most.usableBytes ? card : most));
  return { sure, tight, largest };
}
