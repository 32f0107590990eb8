/**
 * Walks a tape: what it keeps, the most that is live while it runs forward, and the most while it runs
 * backward.
 */
import type { Bytes } from "../../units.ts";
import { allocated, type Node, type Storage, type Tape, type Value } from "./tape.ts";

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
  const ahead = forward(tape, uses, ends.input);
  const back = backward(tape, output, savedBytes);
  return {
    savedBytes,
    outlivingBytes: outlivingBytes(tape),
    kept: [...kept].map(([label, bytes]) => ({ label, bytes })),
    castBytes,
    castOnlyBytes,
    forwardPeak: ahead.forwardPeak,
    forwardPeakUnsaved: ahead.forwardPeakUnsaved,
    backwardPeak: back.backwardPeak,
    accumulatingPeak: back.accumulatingPeak,
    weightGradients: back.weightGradients,
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
  input: Value | undefined,
): Pick<Replay, "forwardPeak" | "forwardPeakUnsaved"> {
  const nodes = tape.nodes.length;
  const born = new Array<Bytes>(nodes + 1).fill(0);
  const freed = new Array<Bytes>(nodes + 2).fill(0);
  // What is given back only when nothing is kept for backward.
  const unsaved = new Array<Bytes>(nodes + 2).fill(0);
  for (const use of uses.values()) {
    born[use.first]! += use.storage.bytes;
    const { bytes } = use.storage;
    if (use.storage.id !== input?.storage.id) (use.saved ? unsaved : freed)[use.last + 1]! += bytes;
    else if (!use.saved) {
      // What a checkpointed part reads is its checkpoint, and stays.
      freed[use.last + 1]! += bytes;
      unsaved[use.last + 1]! -= bytes;
    }
  }
  let live = 0;
  let dropped = 0;
  let keeping = 0;
  let notKeeping = 0;
  for (let index = 0; index < nodes; index++) {
    live += born[index]! - freed[index]!;
    dropped += unsaved[index]!;
    const now = live + tape.nodes[index]!.forwardScratch;
    if (now > keeping) keeping = now;
    if (now - dropped > notKeeping) notKeeping = now - dropped;
  }
  return { forwardPeak: keeping, forwardPeakUnsaved: notKeeping };
}

/** A gradient buffer and how many values share it. */
interface Gradient {
  readonly bytes: Bytes;
  users: number;
}

const distinct = (storages: readonly Storage[]): Iterable<Storage> =>
  storages.length < 2 ? storages : new Set(storages);

/** The gradient that comes to a node: that of its first output that has one. */
function arriving({ outputs }: Node, gradients: ReadonlyMap<number, Gradient>): Gradient | undefined {
  for (const { id } of outputs) {
    const gradient = gradients.get(id);
    if (gradient !== undefined) return gradient;
  }
  return undefined;
}

/** Runs the nodes from the last to the first, freeing what each kept once it has run. */
function backward(
  tape: Tape,
  output: Value,
  savedBytes: Bytes,
): Pick<Replay, "backwardPeak" | "accumulatingPeak" | "weightGradients"> {
  const references = new Map<number, number>();
  for (const node of tape.nodes) {
    for (const storage of distinct(node.saved))
      references.set(storage.id, (references.get(storage.id) ?? NONE) + 1);
  }
  const gradients = new Map<number, Gradient>();
  let live = savedBytes;
  let peak = 0;
  let accumulatingPeak = 0;
  let weightGradients = 0;
  // Where gradients are added to others, a node's own are gone when the next one runs.
  const reach = (bytes: Bytes, madeBefore: Bytes): void => {
    if (bytes > peak) peak = bytes;
    if (bytes - madeBefore > accumulatingPeak) accumulatingPeak = bytes - madeBefore;
  };
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
      reach(live, weightGradients);
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
    const incoming = arriving(node, gradients);
    const made: Gradient[] = [];
    for (const value of node.inputs) {
      if (!value.grad) continue;
      const reuse = node.alias && incoming !== undefined && bytesOf(value) === incoming.bytes;
      const gradient = reuse ? incoming : { bytes: bytesOf(value), users: 0 };
      if (!reuse) {
        live += gradient.bytes;
        made.push(gradient);
      }
      reach(live + node.backwardScratch, weightGradients);
      give(value, gradient);
    }
    live += node.weightGradients;
    reach(live + node.backwardScratch, weightGradients);
    weightGradients += node.weightGradients;
    for (const gradient of made) if (gradient.users === 0) live -= gradient.bytes;
    for (const value of node.outputs) drop(value);
    for (const storage of distinct(node.saved)) {
      const left = references.get(storage.id)! - 1;
      references.set(storage.id, left);
      if (left === 0 && !storage.outside) live -= storage.bytes;
    }
  }
  return { backwardPeak: peak, accumulatingPeak, weightGradients };
}
