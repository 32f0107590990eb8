/** The backward half of a replay: gradients that come and go, and what each operation kept until its backward has run. */
import type { Bytes } from "../../units.ts";
import type { Replay } from "./replay.ts";
import { allocated, type Node, overwrittenBy, type Storage, type Tape, type Value } from "./tape.ts";

const NONE: Bytes = 0;

type BackwardSums = Pick<Replay, "backwardPeak" | "accumulatingPeak" | "weightGradients" | "waitingBytes">;

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

/** Whether backward of a node reads what forward kept; a product reads its weight at least. */
export const reads = ({ saved, light }: Node): boolean => saved.length > 0 || !light;

/** Runs the nodes from the last to the first, freeing what each kept once it has run. */
export function backward(tape: Tape, output: Value, savedBytes: Bytes): BackwardSums {
  const references = new Map<number, number>();
  const staying = new Set<number>();
  for (const node of tape.nodes) {
    for (const storage of distinct(node.saved))
      references.set(storage.id, (references.get(storage.id) ?? NONE) + 1);
    for (const { id } of node.outliving) staying.add(id);
  }
  const gradients = new Map<number, Gradient>();
  let live = savedBytes;
  let peak = 0;
  let accumulatingPeak = 0;
  let weightGradients = 0;
  let waitingBytes: Bytes | undefined;
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
  const release = (storage: Storage): void => {
    const left = references.get(storage.id)! - 1;
    references.set(storage.id, left);
    if (left === 0 && !storage.outside && !staying.has(storage.id)) live -= storage.bytes;
  };
  const bytesOf = (value: Value): Bytes => allocated(value.elements * value.width);
  const first: Gradient = { bytes: bytesOf(output), users: 1 };
  gradients.set(output.id, first);
  live += first.bytes;
  for (let index = tape.nodes.length - 1; index >= 0; index--) {
    const node = tape.nodes[index]!;
    if (!node.grad) continue;
    if (waitingBytes === undefined && reads(node)) waitingBytes = live - savedBytes;
    const incoming = arriving(node, gradients);
    const made: Gradient[] = [];
    // What another operation still keeps is overwritten too, and read by it no more: nothing is freed twice.
    const overwritten = overwrittenBy(node);
    for (const storage of overwritten) release(storage);
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
    for (const storage of distinct(node.saved)) if (!overwritten.includes(storage)) release(storage);
  }
  return { backwardPeak: peak, accumulatingPeak, weightGradients, waitingBytes: waitingBytes ?? first.bytes };
}
