/**
 * Dividing model states over data-parallel ranks, and the buffers that it costs.
 *
 *     none, ddp     nothing divided; ddp holds every gradient once more in its buckets
 *     zero1         optimizer states and master weights / N        (Rajbhandari et al., arXiv:1910.02054)
 *     zero2         gradients too, through buckets
 *     zero3, fsdp   weights too; layers are gathered whole while they run
 *
 * `fsdp` and `fsdp2` are PyTorch's; `simple-fsdp` (arXiv:2411.00284; torchtitan's SimpleFSDP and GraphTrainer) writes the
 * gathers and reductions of FSDP into the traced graph of the model.
 */
import type { Bytes } from "../../units.ts";
import type { LayerElements } from "./weight-bytes.ts";

export type Sharding = "none" | "ddp" | "zero1" | "zero2" | "zero3" | "fsdp" | "fsdp2" | "simple-fsdp";

export interface Divided {
  readonly weights: boolean;
  readonly gradients: boolean;
  readonly optimizer: boolean;
}

/** Which of the states a scheme divides. */
export function dividedBy(sharding: Sharding): Divided {
  switch (sharding) {
    case "none":
    case "ddp":
      return { weights: false, gradients: false, optimizer: false };
    case "zero1":
      return { weights: false, gradients: false, optimizer: true };
    case "zero2":
      return { weights: false, gradients: true, optimizer: true };
    case "zero3":
    case "fsdp":
    case "fsdp2":
    case "simple-fsdp":
      return { weights: true, gradients: true, optimizer: true };
  }
}

export interface BufferInput {
  readonly sharding: Sharding;
  /** Data-parallel ranks. */
  readonly ranks: number;
  /** Elements of weights on this device before sharding, and of those that train. */
  readonly elements: number;
  readonly trainedElements: number;
  readonly largestLayer: LayerElements;
  readonly outsideElements: number;
  /** Bytes per packed element. */
  readonly packedWidth: number;
  /** Bytes per element while computing, of unsharded gradients, and of the reduction. */
  readonly computeWidth: number;
  readonly reduceWidth: number;
  /** Gathered layers are freed again after their forward pass. */
  readonly reshardAfterForward: boolean;
  readonly overlap: boolean;
  /** Pipeline stages: with more than one, FSDP keeps its layers whole between micro-batches. */
  readonly stages: number;
  /** DeepSpeed's `auto` under Hugging Face: buckets of h^2. */
  readonly hiddenSize: number | null;
  /** Gradients and weights lie in one buffer each, which is reduced and gathered where it lies (Megatron). */
  readonly ownBuffers: boolean;
  /** Weights lie on the host and come when they are used, to a single rank too. */
  readonly fromHost: boolean;
  /** Reentrant checkpoints lie around FSDP1's units: the model's forward makes no graph, and backward gathers nothing ahead. */
  readonly reentrantAround: boolean;
}

/** Elements of one width that are held for an exchange with other ranks. */
export interface BufferPart {
  readonly what: string;
  readonly elements: number;
  readonly width: number;
}

export const partBytes = (parts: readonly BufferPart[]): Bytes =>
  parts.reduce((sum, part) => sum + Math.round(part.elements * part.width), 0);

export interface ShardingBuffers {
  /** Live while a layer runs forward. */
  readonly forward: readonly BufferPart[];
  /** Live while head and loss run forward. */
  readonly loss: readonly BufferPart[];
  /** Live while head and loss run backward. */
  readonly lossBackward: readonly BufferPart[];
  /** Live while layers run backward, and after. */
  readonly backward: readonly BufferPart[];
  /** Live during the optimizer's step. */
  readonly step: readonly BufferPart[];
  /** Given back by the process while the card still reads them: reserved, and no longer allocated. */
  readonly pending: readonly BufferPart[];
}

/** Layers that are whole beside the outermost unit while a layer runs, in head and loss, in their backward and in a layer's. */
type Gathered = Readonly<Record<"forward" | "loss" | "lossBackward" | "backward", number>>;

/**
 * FSDP1 (torch 2.4 `distributed/fsdp/_runtime_utils.py`) gathers a layer when it runs and frees it after; in backward each gathers the one
 * before it, the loss the last one. It gathers ahead only what has met a graph in forward: checkpoints around the units, as
 * transformers places them, make none when they are reentrant. SimpleFSDP has gathered the next layer when one runs. FSDP2
 * gathers it into a buffer of another stream's pool, which the reserve's share covers, so that only the last layer is whole when
 * forward ends.
 */
const GATHERED: Readonly<Record<"fsdp" | "fsdp-around" | "fsdp2" | "simple-fsdp", Gathered>> = {
  fsdp: { forward: 1, loss: 0, lossBackward: 1, backward: 2 },
  "fsdp-around": { forward: 1, loss: 0, lossBackward: 0, backward: 1 },
  fsdp2: { forward: 1, loss: 1, lossBackward: 1, backward: 2 },
  "simple-fsdp": { forward: 2, loss: 2, lossBackward: 2, backward: 2 },
};

/** Elements of DeepSpeed's default buckets (0.17 `runtime/zero/config.py`). */
const REDUCE_BUCKET = 5e8;
const ALLGATHER_BUCKET = 5e8;
const PREFETCH_BUCKET = 5e7;
const MAX_LIVE = 1e9;

/**
 * Buffers that a scheme holds beside the states.
 *
 *     ddp      gradients once more (gradient_as_bucket_view=False); none in Megatron, nor under zero1, whose buckets are views
 *              of its buffers (`megatron/core/distributed/param_and_grad_buffer.py`, 0.14)
 *     zero1/2  min(P, 5e8) reduced at a time, twice when reduction overlaps backward; the same gathered after the step
 *     zero3    up to 1e9 gathered weights, 5e7 prefetched, and the reduction bucket
 *     fsdp     the outermost unit whole, and as many layers as `GATHERED` says; in backward the reduction of one layer
 *
 * @example 8B in bf16 under zero2 with overlap: 2 x 5e8 x 2 B = 2 GB in backward
 */
export function shardingBuffers(input: BufferInput): ShardingBuffers {
  const { elements, trainedElements, computeWidth, reduceWidth, ranks } = input;
  const steady = (
    forward: readonly BufferPart[],
    backward: readonly BufferPart[] = forward,
    step: readonly BufferPart[] = [],
  ): ShardingBuffers => ({ forward, loss: forward, lossBackward: forward, backward, step, pending: [] });
  const none = steady([]);
  if (
    (ranks === 1 && !input.fromHost) ||
    (input.ownBuffers && (input.sharding === "ddp" || input.sharding === "zero1"))
  )
    return none;
  const part = (what: string, count: number, width: number): BufferPart => ({ what, elements: count, width });
  const bucketOf = (size: number): number => (input.hiddenSize === null ? size : input.hiddenSize ** 2);
  switch (input.sharding) {
    case "none":
      return none;
    case "ddp": {
      const buckets = [part("gradient buckets", trainedElements, reduceWidth)];
      return steady(buckets, buckets, buckets);
    }
    case "zero1":
    case "zero2": {
      const bucket = Math.min(trainedElements, bucketOf(REDUCE_BUCKET));
      const gathered = Math.min(trainedElements, ALLGATHER_BUCKET);
      return steady(
        [],
        [part("reduction buckets", bucket * (input.overlap ? 2 : 1), computeWidth)],
        [part("gathered weights", gathered, computeWidth)],
      );
    }
    case "zero3": {
      const ahead = input.hiddenSize === null ? PREFETCH_BUCKET : Math.floor(0.9 * input.hiddenSize ** 2);
      const forward = [
        part("gathered weights", Math.min(elements, MAX_LIVE), computeWidth),
        part("weights gathered ahead", Math.min(elements, ahead), computeWidth),
      ];
      const bucket = Math.min(trainedElements, bucketOf(REDUCE_BUCKET));
      return steady(forward, [...forward, part("a reduction bucket", bucket, computeWidth)]);
    }
    case "fsdp":
    case "fsdp2":
    case "simple-fsdp": {
      const layer = input.largestLayer.elements;
      const root = part("weights outside the layers", input.outsideElements, computeWidth);
      const inLayers = elements - input.outsideElements;
      const reshards = input.reshardAfterForward && input.stages === 1;
      const packed = layer === 0 ? 0 : input.largestLayer.packed / layer;
      // Packed values come as they are.
      const layerParts = (count: number): readonly BufferPart[] =>
        packed === 0
          ? [part("gathered layers", count, computeWidth)]
          : [
              part("gathered packed layers", Math.round(count * packed), input.packedWidth),
              part("gathered norms and biases", Math.round(count * (1 - packed)), computeWidth),
            ];
      const whole = (layers: number): readonly BufferPart[] => [
        root,
        ...layerParts(reshards ? Math.min(layers * layer, inLayers) : inLayers),
      ];
      const gathers =
        GATHERED[input.sharding === "fsdp" && input.reentrantAround ? "fsdp-around" : input.sharding];
      if (input.stages > 1) {
        // Gradients are summed whole, in the reduction's type, and reduced with the last micro-batch.
        return steady([...whole(1), part("whole gradients", trainedElements, reduceWidth)]);
      }
      const trains = input.largestLayer.trained;
      const reduction = [
        part("a layer's gradients", trains, reduceWidth),
        part("its reduced shard", trains / ranks, reduceWidth),
      ];
      return {
        forward: whole(gathers.forward),
        loss: whole(gathers.loss),
        lossBackward: whole(gathers.lossBackward),
        backward: [...whole(gathers.backward), ...reduction],
        step: [],
        // At most two frees of FSDP1 wait for their events, and gathering waits for the older one (`_FreeEventQueue`): one layer's
        // weights and gradients stay in their pools beside those in use.
        pending:
          input.sharding === "fsdp" && reshards
            ? [...layerParts(Math.min(layer, inLayers)), ...reduction]
            : [],
      };
    }
  }
}
