/**
 * A part of the step (a layer, the embedding, head and loss) as requests to an allocator, in the order in which they happen: what
 * `replay.ts` sums, one by one.
 */
import type { Bytes } from "../../units.ts";
import { allocated, overwrittenBy, type Storage, type Tape, type Value } from "./tape.ts";

/** A stretch of the step on a tape of its own. */
export interface TapePart {
  readonly tape: Tape;
  readonly input: Value | null;
  readonly output: Value;
  /** Values that the caller keeps alive until the end of forward. */
  readonly held: readonly Value[];
}

/** Slots that neighbouring parts share; all higher ones belong to the part alone. */
export const SLOT = { input: 0, output: 1, outputGradient: 2, inputGradient: 3, own: 4 } as const;

export type PartEvent =
  | { readonly kind: "take"; readonly slot: number; readonly bytes: Bytes }
  | { readonly kind: "give"; readonly slot: number }
  /** Taken and given back at once. */
  | { readonly kind: "touch"; readonly bytes: Bytes }
  /** A weight's gradient: stays until the optimizer's step, or is added to the one that exists. */
  | { readonly kind: "weight-gradient"; readonly slot: number; readonly bytes: Bytes }
  /** The gradient of the output is that of the input. */
  | { readonly kind: "pass-gradient" };

export interface PartEvents {
  /** Forward that keeps nothing for backward. */
  readonly forward: readonly PartEvent[];
  /** Forward that keeps what backward needs. */
  readonly keeping: readonly PartEvent[];
  readonly backward: readonly PartEvent[];
  /** Autocast's copies of weights, and which of them backward gives back itself. */
  readonly casts: readonly { readonly slot: number; readonly saved: boolean }[];
  readonly inputKept: boolean;
  readonly slots: number;
}

export function partEvents(part: TapePart): PartEvents {
  const slots = new Map<number, number>();
  if (part.input !== null) slots.set(part.input.storage.id, SLOT.input);
  if (part.output.storage.id !== part.input?.storage.id) slots.set(part.output.storage.id, SLOT.output);
  let next: number = SLOT.own;
  const newSlot = (): number => next++;
  const slotOf = (storage: Storage): number => {
    const known = slots.get(storage.id);
    if (known !== undefined) return known;
    const slot = newSlot();
    slots.set(storage.id, slot);
    return slot;
  };
  const saved = new Set(part.tape.nodes.flatMap((n) => n.saved.map((s) => s.id)));
  const casts = [...part.tape.casts.values()].map((v) => ({
    slot: slotOf(v.storage),
    saved: saved.has(v.storage.id),
  }));
  return {
    forward: forwardEvents(part, slotOf, new Set()),
    keeping: forwardEvents(part, slotOf, saved),
    backward: backwardEvents(part, slotOf, newSlot),
    casts,
    inputKept: part.input !== null && saved.has(part.input.storage.id),
    slots: next,
  };
}

function forwardEvents(
  part: TapePart,
  slotOf: (storage: Storage) => number,
  kept: ReadonlySet<number>,
): readonly PartEvent[] {
  const { tape, input, output, held } = part;
  const casts = new Set([...tape.casts.values()].map((v) => v.storage.id));
  const staying = new Set([output, ...(input === null ? [] : [input])].map((v) => v.storage.id));
  const atEnd = new Set(held.map((v) => v.storage.id));
  const last = new Map<number, number>();
  tape.nodes.forEach((node, index) => {
    for (const value of [...node.outputs, ...node.inputs]) last.set(value.storage.id, index);
  });
  const events: PartEvent[] = [];
  const live = new Map<number, Storage>();
  const drop = (storage: Storage): void => {
    live.delete(storage.id);
    if (!staying.has(storage.id) && !kept.has(storage.id) && !casts.has(storage.id))
      events.push({ kind: "give", slot: slotOf(storage) });
  };
  const made = new Set<number>(input === null ? [] : [input.storage.id]);
  tape.nodes.forEach((node, index) => {
    for (const { storage } of node.outputs) {
      if (storage.outside || made.has(storage.id)) continue;
      made.add(storage.id);
      live.set(storage.id, storage);
      events.push({ kind: "take", slot: slotOf(storage), bytes: storage.bytes });
    }
    if (node.forwardScratch > 0) events.push({ kind: "touch", bytes: node.forwardScratch });
    for (const { storage } of [...node.inputs, ...node.outputs])
      if (live.has(storage.id) && last.get(storage.id) === index && !atEnd.has(storage.id)) drop(storage);
  });
  for (const storage of [...live.values()]) drop(storage);
  return events;
}

/** A gradient buffer, the values that share it and where it lies. */
interface Gradient {
  readonly bytes: Bytes;
  readonly slot: number;
  users: number;
}

function backwardEvents(
  part: TapePart,
  slotOf: (storage: Storage) => number,
  newSlot: () => number,
): readonly PartEvent[] {
  const { tape, input, output } = part;
  const events: PartEvent[] = [];
  const references = new Map<number, number>();
  for (const node of tape.nodes) {
    for (const storage of new Set(node.saved)) {
      const known = references.get(storage.id);
      references.set(storage.id, known === undefined ? 1 : known + 1);
    }
  }
  const bytesOf = (value: Value): Bytes => allocated(value.elements * value.width);
  const incoming: Gradient = { bytes: bytesOf(output), slot: SLOT.outputGradient, users: 1 };
  const gradients = new Map<number, Gradient>([[output.id, incoming]]);
  const make = (bytes: Bytes): Gradient => {
    const slot = newSlot();
    events.push({ kind: "take", slot, bytes });
    return { bytes, slot, users: 0 };
  };
  const drop = (gradient: Gradient): void => {
    if (gradient !== incoming) events.push({ kind: "give", slot: gradient.slot });
  };
  const release = (storage: Storage): void => {
    const left = references.get(storage.id)! - 1;
    references.set(storage.id, left);
    const shared = storage.id === input?.storage.id || storage.id === output.storage.id;
    if (left === 0 && !storage.outside && !shared) events.push({ kind: "give", slot: slotOf(storage) });
  };
  const accumulate = (value: Value, gradient: Gradient): void => {
    const known = gradients.get(value.id);
    if (known === undefined) {
      gradient.users++;
      gradients.set(value.id, gradient);
    } else if (known.users > 1) {
      known.users--;
      const sum = make(known.bytes);
      sum.users = 1;
      gradients.set(value.id, sum);
    }
  };
  for (let index = tape.nodes.length - 1; index >= 0; index--) {
    const node = tape.nodes[index]!;
    if (!node.grad) continue;
    const arriving = node.outputs.map((v) => gradients.get(v.id)).find((g) => g !== undefined);
    const fresh: Gradient[] = [];
    const overwritten = overwrittenBy(node);
    for (const storage of overwritten) release(storage);
    for (const value of node.inputs) {
      if (!value.grad) continue;
      const reuse = node.alias && arriving !== undefined && bytesOf(value) === arriving.bytes;
      const gradient = reuse ? arriving : make(bytesOf(value));
      if (!reuse) fresh.push(gradient);
      accumulate(value, gradient);
    }
    if (node.backwardScratch > 0) events.push({ kind: "touch", bytes: node.backwardScratch });
    if (node.weightGradients > 0)
      events.push({ kind: "weight-gradient", slot: newSlot(), bytes: node.weightGradients });
    for (const gradient of fresh) if (gradient.users === 0) drop(gradient);
    for (const value of node.outputs) {
      const gradient = gradients.get(value.id);
      if (gradient === undefined || value.id === input?.id) continue;
      gradients.delete(value.id);
      if (--gradient.users === 0) drop(gradient);
    }
    for (const storage of new Set(node.saved)) if (!overwritten.includes(storage)) release(storage);
  }
  const final = input === null ? undefined : gradients.get(input.id);
  if (final === undefined) return events;
  if (final === incoming) return [...events, { kind: "pass-gradient" }];
  return events.map((e) => ("slot" in e && e.slot === final.slot ? { ...e, slot: SLOT.inputGradient } : e));
}
