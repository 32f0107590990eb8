/**
 * A few steps of training on a simulated allocator: how much more is reserved than was ever handed out. With batches of changing
 * length this decides the reading, and no formula in the sizes alone gives it: a batch longer than all before it finds no free
 * block that is large enough for its logits, so new segments come beside the old ones; and gradients and states take pieces of
 * segments that the next batch's logits would have needed.
 */
import type { Bytes } from "../../units.ts";
import { type Block, type CacheSettings, cachingAllocator, type Peaks } from "./caching-allocator.ts";
import { type PartEvent, type PartEvents, SLOT } from "./part-events.ts";

/** One micro-batch: its parts with the tables that they share. */
export interface MicroBatch {
  readonly embedding: PartEvents;
  /** Layers in order; equal ones are one object. */
  readonly layers: readonly PartEvents[];
  readonly loss: PartEvents;
  readonly tableBytes: Bytes;
}

export interface SimulatedRun extends CacheSettings {
  /** Blocks that stay: weights, adapters, master weights. */
  readonly resident: readonly Bytes[];
  readonly microBatches: readonly MicroBatch[];
  /** Micro-batches between steps of the optimizer. */
  readonly accumulate: number;
  /** Gradients stay from step to step (`zero_grad` of old releases). */
  readonly keepsGradients: boolean;
  readonly checkpointed: boolean;
  /** Gradient of the embedding's table, or of each of them; a tied one is added to the head's. */
  readonly tableGradients: readonly Bytes[];
  readonly tied: boolean;
  readonly states: readonly Bytes[];
  /** Temporaries of a step that live together, and the most for one tensor. */
  readonly stepTogether: readonly Bytes[];
  readonly stepLargest: Bytes;
}

/** Slots of parts are kept apart by this: no part has as many. */
const STRIDE = 2 ** 20;

export function simulateRun(run: SimulatedRun): Peaks {
  const allocator = cachingAllocator(run);
  const blocks = new Map<number, Block>();
  const streams: Block[] = [];
  const streamGradients: Block[] = [];
  let gradients: Block[] = [];
  let haveStates = false;
  let streamsEnd = 0;
  let done = 0;
  const touch = (bytes: Bytes): void => allocator.give(allocator.take(bytes));
  const giveAll = (list: readonly (Block | undefined)[]): void => {
    for (const block of list) if (block !== undefined) allocator.give(block);
  };
  for (const bytes of run.resident) allocator.take(bytes);

  /** Plays events of the part at `position`, whose own slots are those of `home`. */
  const play = (events: readonly PartEvent[], position: number, home: number): void => {
    const put = (slot: number, block: Block): void => {
      if (slot === SLOT.output) streams[position + 1] = block;
      else if (slot === SLOT.inputGradient) streamGradients[position] = block;
      else blocks.set(home * STRIDE + slot, block);
    };
    for (const event of events) {
      switch (event.kind) {
        case "take":
          put(event.slot, allocator.take(event.bytes));
          break;
        case "give": {
          const key = home * STRIDE + event.slot;
          const block = event.slot === SLOT.inputGradient ? streamGradients[position] : blocks.get(key);
          blocks.delete(key);
          if (block !== undefined) allocator.give(block);
          break;
        }
        case "touch":
          touch(event.bytes);
          break;
        case "weight-gradient":
          if (makesGradients()) gradients.push(allocator.take(event.bytes));
          else touch(event.bytes);
          break;
        case "pass-gradient":
          streamGradients[position] = streamGradients[position + 1]!;
          delete streamGradients[position + 1];
          break;
      }
    }
  };
  /** Autocast's copies that backward does not give back; none of a checkpointed part's first pass. */
  const giveCasts = (part: PartEvents, home: number): void => {
    for (const { slot, saved } of part.casts) {
      if (saved && !(run.checkpointed && home < streamsEnd)) continue;
      const key = home * STRIDE + slot;
      giveAll([blocks.get(key)]);
      blocks.delete(key);
    }
  };
  const giveStream = (list: Block[], position: number): void => {
    giveAll([list[position]]);
    delete list[position];
  };

  for (const batch of run.microBatches) {
    const { layers, loss, embedding } = batch;
    const end = layers.length;
    streamsEnd = end;
    const tables = allocator.take(batch.tableBytes);
    const embeddingHome = end + 2;
    play(embedding.keeping, -1, embeddingHome);
    layers.forEach((part, i) => {
      play(run.checkpointed ? part.forward : part.keeping, i, i);
      if (!run.checkpointed && !part.inputKept) giveStream(streams, i);
    });
    play(loss.keeping, end, end);
    for (const [i, part] of layers.entries()) giveCasts(part, i);
    giveCasts(loss, end);
    streamGradients[end + 1] = allocator.take(4);
    play(loss.backward, end, end);
    giveStream(streamGradients, end + 1);
    giveStream(streams, end + 1);
    giveStream(streams, end);
    const recomputed = end + 1;
    for (let i = end - 1; i >= 0; i--) {
      const part = layers[i]!;
      if (run.checkpointed) play(part.keeping, i, recomputed);
      play(part.backward, i, run.checkpointed ? recomputed : i);
      if (run.checkpointed) giveCasts(part, recomputed);
      giveStream(streamGradients, i + 1);
      giveStream(streams, i + 1);
      giveStream(streams, i);
    }
    embeddingBackward(batch);
    giveStream(streamGradients, 0);
    allocator.give(tables);
    done++;
    if (done % run.accumulate === 0 || done === run.microBatches.length) step();
  }
  return allocator.peaks();

  function embeddingBackward(batch: MicroBatch): void {
    play(batch.embedding.backward, -1, batch.layers.length + 2);
    for (const bytes of run.tableGradients) {
      const keeps = makesGradients() !== run.tied;
      const block = allocator.take(bytes);
      // A tied table's first gradient is a third tensor beside the two that it is the sum of (`moments.ts`).
      if (!keeps && run.tied) touch(bytes);
      if (keeps) gradients.push(block);
      else allocator.give(block);
    }
  }

  function makesGradients(): boolean {
    return run.keepsGradients ? done === 0 : done % run.accumulate === 0;
  }

  function step(): void {
    if (!haveStates) for (const bytes of run.states) allocator.take(bytes);
    haveStates = true;
    giveAll(run.stepTogether.map((bytes) => allocator.take(bytes)));
    if (run.stepLargest > 0) touch(run.stepLargest);
    if (run.keepsGradients) return;
    giveAll(gradients);
    gradients = [];
  }
}
