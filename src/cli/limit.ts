/** The limit that a request is held against: a size, a card by name, or the cards of this machine. */
import type { Note } from "../architecture/model.ts";
import type { EngineCard } from "../engines/engine.ts";
import { cutsPool, runtimeOf } from "../engines/engine-name.ts";
import type { Bytes } from "../units.ts";
import type { Io } from "./io.ts";

export interface Limit {
  /** Bytes that one device gives. */
  readonly bytes: Bytes;
  /** Name of the card; absent for a bare size. */
  readonly gpu?: string;
  /** The card as engines see it; absent for a bare size. */
  readonly card?: EngineCard;
  /** Equal devices there are. */
  readonly count: number;
  readonly notes: readonly Note[];
}

export interface LimitFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
}

/**
 * Reads `--budget` and `--gpu`.
 *
 * @returns null when neither was given
 * @throws unknown-name for a card, bad-option for a mix of cards, source-unavailable when `local` finds none
 */
export async function limitOf(flags: LimitFlags, io: Io): Promise<Limit | null> {
  if (flags.budget !== undefined) return { bytes: flags.budget, count: 1, notes: [] };
  if (flags.gpu === undefined) return null;
  const { cardLimit } = await import("./card-limit.ts");
  return cardLimit(flags.gpu, io);
}

/**
 * What a limit says of itself, and of an engine that cuts its pool from a card where the limit is none: `--gpu` says
 * what the engine takes its share of, a size does not.
 */
export function limitNotes(limit: Limit | null, engine: string | undefined): readonly Note[] {
  if (limit === null) return [];
  if (limit.gpu !== undefined || !cutsPool(engine)) return limit.notes;
  const runtime = runtimeOf(engine);
  return [
    ...limit.notes,
    {
      code: "no-card",
      message: `${runtime} takes a share of a card for its cache, and a size is no card: --gpu holds the request against that share`,
      details: { engine: runtime },
    },
  ];
}
