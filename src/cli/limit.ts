/** The limit that a request is held against: a size, a card by name, or the cards of this machine. */
import type { Note } from "../architecture/model.ts";
import type { Bytes } from "../units.ts";
import type { Io } from "./io.ts";

export interface Limit {
  /** Bytes that one device gives. */
  readonly bytes: Bytes;
  /** Name of the card; absent for a bare size. */
  readonly gpu?: string;
  /** Id of the card in the table, for what depends on its generation. */
  readonly gpuId?: string;
  /** Its generation: "hopper". */
  readonly generation?: string;
  /** What else an engine may know of it. */
  readonly smiTotalBytes?: Bytes;
  readonly computeCapability?: string;
  /** Its streaming multiprocessors. */
  readonly multiprocessors?: number;
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
