/**
 * Walks a tape: what it keeps, the most that is live while it runs forward, and the most while it runs
 * backward.
 */
import type { Bytes } from "../../units.ts";
import { allocated, type Storage, type Tape, type Value } from "./tape.ts";

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
  /** Most live at once in a forward pass that keeps nothing (checkpointed), without autocast's copies. */
  readonly forwardPeakUnsaved: Bytes;
  /** Most live at once in backward, what is still kept and weight gradients made so far included. */
  readonly backwardPeak: Bytes;
  /** The same when the gradients exist already and new ones are added to them at once. */
  readonly accumulatingPeak: Bytes;
  /** Weight gradients that backward leaves behind. */
  readonly weightGradients: Bytes;
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
  const outliving = new Map(
    tape.nodes.flatMap((n) => n.outliving).map((s) => [s.id, s.outside ? 0 : s.bytes]),
  );
  return {
    savedBytes,
    outlivingBytes: [...outliving.values()].reduce((sum, bytes) => sum + bytes, 0),
    kept: [...kept].map(([label, bytes]) => ({ label, bytes })),
    castBytes,
    castOnlyBytes,
    forwardPeak: forwardPeak(tape, uses, true),
    forwardPeakUnsaved: forwardPeak(tape, uses, false),
    ...backward(tape, output, savedBytes),
    accumulatingPeak: backward(tape, output, savedBytes, "accumulating").backwardPeak,
  };
}

/** First and last node that touches each storage made on the tape. */
function storageUses(tape: Tape, ends: TapeEnds): ReadonlyMap<number, Use> {
  const uses = new Map<number, Use>();
  if (ends.input !== undefined) {
    const { storage } = ends.input;
    uses.set(storage.id, { storage, first: 0, last: 0, saved: false });
  }
  const casts = new Set([...tape.casts.values()].map((v) => v.storage.id));
  tape.nodes.forEach((node, index) => {
    for (const value of node.outputs) {
      const use = uses.get(value.storage.id);
      if (use === undefined) {
        if (value.storage.outside || casts.has(value.storage.id)) continue;
        uses.set(value.storage.id, { storage: value.storage, first: index, last: index, saved: false });
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
  });
  for (const value of [ends.output, ...(ends.held ?? [])]) {
    const use = uses.get(value.storage.id);
    if (use !== undefined) use.last = tape.nodes.length;
  }
  return uses;
}

function forwardPeak(tape: Tape, uses: ReadonlyMap<number, Use>, keeping: boolean): Bytes {
  const born = new Array<Bytes>(tape.nodes.length + 1).fill(0);
  const freed = new Array<Bytes>(tape.nodes.length + 2).fill(0);
  for (const use of uses.values()) {
    born[use.first]! += use.storage.bytes;
    if (!(keeping && use.saved)) freed[use.last + 1]! += use.storage.bytes;
  }
  let live = 0;
  let peak = 0;
  tape.nodes.forEach((node, index) => {
    live += born[index]! - freed[index]!;
    if (live + node.forwardScratch > peak) peak = live + node.forwardScratch;
  });
  return peak;
}

/** A gradient buffer and how many values share it. */
interface Gradient {
  readonly bytes: Bytes;
  users: number;
}

/** Runs the nodes from the last to the first, freeing what each kept once it has run. */
function backward(
  tape: Tape,
  output: Value,
  savedBytes: Bytes,
  mode: "first" | "accumulating" = "first",
): Pick<Replay, "backwardPeak" | "weightGradients"> {
  const references = new Map<number, number>();
  for (const node of tape.nodes) {
    for (const storage of new Set(node.saved))
      references.set(storage.id, (references.get(storage.id) ?? NONE) + 1);
  }
  const gradients = new Map<number, Gradient>();
  let live = savedBytes;
  let peak = 0;
  let weightGradients = 0;
  const drop = (value: Value): void => {
    const gradient = gradients.get(value.id);
    if (gradient === undefined) return;
    gradients.delete(value.id);
    if (--gradient.users === 0) live -= gradient.bytes;
  };
  const give = (value: Value, gradient: Gradient): void => {
    const known = gradients.get(value.id);
    if (known === undefined) {
      gradient.users++;
      gradients.set(value.id, gradient);
      return;
    }
    if (known.users > 1) {
      // Two gradients meet and the first is shared with another tensor: their sum is a new one.
      const sum: Gradient = { bytes: known.bytes, users: 1 };
      live += sum.bytes;
      if (live > peak) peak = live;
      known.users--;
      gradients.set(value.id, sum);
    }
  };
  const bytesOf = (value: Value): Bytes => allocated(value.elements * value.width);
  const first: Gradient = { bytes: bytesOf(output), users: 1 };
  gradients.set(output.id, first);
  live += first.bytes;
  for (let index = tape.nodes.length - 1; index >= 0; index--) {
    const node = tape.nodes[index]!;
    if (!node.grad) continue;
    const incoming = node.outputs.map((v) => gradients.get(v.id)).find((g) => g !== undefined);
    const made: Gradient[] = [];
    for (const value of node.inputs) {
      if (!value.grad) continue;
      const reuse = node.alias && incoming !== undefined && bytesOf(value) === incoming.bytes;
      const gradient = reuse ? incoming : { bytes: bytesOf(value), users: 0 };
      if (!reuse) {
        live += gradient.bytes;
        made.push(gradient);
      }
      if (live + node.backwardScratch > peak) peak = live + node.backwardScratch;
      give(value, gradient);
    }
    live += node.weightGradients;
    weightGradients += node.weightGradients;
    if (live + node.backwardScratch > peak) peak = live + node.backwardScratch;
    if (mode === "accumulating") live -= node.weightGradients;
    for (const gradient of made) if (gradient.users === 0) live -= gradient.bytes;
    for (const value of node.outputs) drop(value);
    for (const storage of new Set(node.saved)) {
      const left = references.get(storage.id)! - 1;
      references.set(storage.id, left);
      if (left === 0 && !storage.outside) live -= storage.bytes;
    }
  }
  return { backwardPeak: peak, weightGradients };
}
