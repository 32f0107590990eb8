/**
 * Walks a tape: what it keeps, the most that is live while it runs forward, and the most while it runs
 * backward.
 */
import type { Bytes } from "../../units.ts";
import { backward, reads } from "./replay-backward.ts";
import type { Storage, Tape, Value } from "./tape.ts";

const NONE: Bytes = 0;

export interface KeptItem {
  readonly label: string;
  readonly bytes: Bytes;
}

export interface Replay {
  /** Unique storages kept for backward, those counted elsewhere left out. */
  readonly savedBytes: Bytes;
  /** Of those, what stays until the graph is dropped: after backward, when the next loss takes its place. */
  readonly outlivingBytes: Bytes;
  /** The same as `savedBytes` by label, in order of first use. */
  readonly kept: readonly KeptItem[];
  /** 16-bit weight copies that autocast holds until the forward pass ends, kept or not. */
  readonly castBytes: Bytes;
  /** Of those, the part that no operation keeps for backward. */
  readonly castOnlyBytes: Bytes;
  /** Most live at once in a forward pass that keeps everything, autocast's copies included. */
  readonly forwardPeak: Bytes;
  /** The same up to the last operation that keeps anything, where a layer that runs again from its checkpoint stops. */
  readonly stoppingPeak: Bytes;
  /** Most live at once in a forward pass that keeps nothing (checkpointed), without autocast's copies. */
  readonly forwardPeakUnsaved: Bytes;
  /** Most live at once in backward, what is still kept and weight gradients made so far included. */
  readonly backwardPeak: Bytes;
  /** The same when the gradients exist already and new ones are added to them at once. */
  readonly accumulatingPeak: Bytes;
  /** Weight gradients that backward leaves behind. */
  readonly weightGradients: Bytes;
  /** Gradients that exist when backward first reads what forward kept: that of the output, and what became of it until then. */
  readonly waitingBytes: Bytes;
}

interface Use {
  readonly storage: Storage;
  first: number;
  last: number;
  saved: boolean;
}

export interface TapeEnds {
  readonly input?: Value;
  readonly output: Value;
  readonly held?: readonly Value[];
}

/**
 * Sums a tape. `output` is what the next part of the model reads: its gradient is live when backward starts.
 * `held` are values that the caller keeps alive until the end of forward.
 */
export function replay(tape: Tape, ends: TapeEnds): Replay {
  const { output } = ends;
  const uses = storageUses(tape, ends);
  const kept = new Map<string, Bytes>();
  const seen = new Set<number>();
  let savedBytes = 0;
  for (const node of tape.nodes) {
    for (const storage of node.saved) {
      if (storage.outside || seen.has(storage.id)) continue;
      seen.add(storage.id);
      savedBytes += storage.bytes;
      kept.set(node.label, (kept.get(node.label) ?? NONE) + storage.bytes);
    }
  }
  let castBytes = 0;
  let castOnlyBytes = 0;
  for (const value of tape.casts.values()) {
    castBytes += value.storage.bytes;
    if (!seen.has(value.storage.id)) castOnlyBytes += value.storage.bytes;
  }
  const ahead = forward(tape, uses);
  const back = backward(tape, output, savedBytes);
  return {
    savedBytes,
    outlivingBytes: outlivingBytes(tape),
    kept: [...kept].map(([label, bytes]) => ({ label, bytes })),
    castBytes,
    castOnlyBytes,
    forwardPeak: ahead.forwardPeak,
    stoppingPeak: ahead.stoppingPeak,
    forwardPeakUnsaved: ahead.forwardPeakUnsaved,
    backwardPeak: back.backwardPeak,
    accumulatingPeak: back.accumulatingPeak,
    weightGradients: back.weightGradients,
    waitingBytes: back.waitingBytes,
  };
}

/** Each storage once, as the last node that keeps it has it. */
function outlivingBytes(tape: Tape): Bytes {
  const outliving = new Map<number, Bytes>();
  for (const node of tape.nodes)
    for (const { id, outside, bytes } of node.outliving) outliving.set(id, outside ? 0 : bytes);
  let sum = 0;
  for (const bytes of outliving.values()) sum += bytes;
  return sum;
}

/** First and last node that touches each storage made on the tape. */
function storageUses(tape: Tape, ends: TapeEnds): ReadonlyMap<number, Use> {
  const uses = new Map<number, Use>();
  if (ends.input !== undefined) {
    const { storage } = ends.input;
    uses.set(storage.id, { storage, first: 0, last: 0, saved: false });
  }
  const casts = new Set<number>();
  for (const value of tape.casts.values()) casts.add(value.storage.id);
  let index = 0;
  for (const node of tape.nodes) {
    for (const { storage } of node.outputs) {
      const use = uses.get(storage.id);
      if (use === undefined) {
        if (storage.outside || casts.has(storage.id)) continue;
        uses.set(storage.id, { storage, first: index, last: index, saved: false });
      } else use.last = index;
    }
    for (const value of node.inputs) {
      const use = uses.get(value.storage.id);
      if (use !== undefined) use.last = index;
    }
    for (const storage of node.saved) {
      const use = uses.get(storage.id);
      if (use !== undefined) use.saved = true;
    }
    index++;
  }
  for (const value of [ends.output, ...(ends.held ?? [])]) {
    const use = uses.get(value.storage.id);
    if (use !== undefined) use.last = tape.nodes.length;
  }
  return uses;
}

function forward(
  tape: Tape,
  uses: ReadonlyMap<number, Use>,
): Pick<Replay, "forwardPeak" | "stoppingPeak" | "forwardPeakUnsaved"> {
  const nodes = tape.nodes.length;
  const born = new Array<Bytes>(nodes + 1).fill(0);
  const freed = new Array<Bytes>(nodes + 2).fill(0);
  // What is given back only when nothing is kept for backward.
  const unsaved = new Array<Bytes>(nodes + 2).fill(0);
  for (const use of uses.values()) {
    born[use.first]! += use.storage.bytes;
    (use.saved ? unsaved : freed)[use.last + 1]! += use.storage.bytes;
  }
  let live = 0;
  let dropped = 0;
  let keeping = 0;
  let stopping = 0;
  let notKeeping = 0;
  // It keeps its inputs before it runs.
  const last = tape.nodes.findLastIndex((node) => node.grad && reads(node));
  for (let index = 0; index < nodes; index++) {
    live += born[index]! - freed[index]!;
    dropped += unsaved[index]!;
    const now = live + tape.nodes[index]!.forwardScratch;
    if (now > keeping) keeping = now;
    if (index < last && now > stopping) stopping = now;
    if (now - dropped > notKeeping) notKeeping = now - dropped;
  }
  return { forwardPeak: keeping, stoppingPeak: stopping, forwardPeakUnsaved: notKeeping };
}
