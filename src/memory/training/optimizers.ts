/**
 * What optimizers keep per parameter tensor and what one step needs besides. States of PyTorch's own were
 * measured on torch 2.13; the others follow the file named beside them.
 */
import { nearestNames, VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import { allocated, type Width } from "./tape.ts";
import type { TrainedTensor } from "./trained-tensors.ts";

export interface OptimizerOptions {
  /** Rank of the low-rank states of GaLore and APOLLO. */
  readonly rank: number;
  /** Bytes per element of the values the step works on: master weights if there are any. */
  readonly width: Width | null;
}

export interface Optimizer {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Bytes of the states of one tensor. */
  readonly stateBytes: (tensor: TrainedTensor, options: OptimizerOptions) => Bytes;
  /** Temporaries of a step over all tensors at once, in multiples of their bytes ("foreach"). */
  readonly stepOfAll: number;
  /** Temporaries of a step over the largest tensor, in multiples of its bytes. */
  readonly stepOfLargest: number;
  /** States may leave the card when it is full. */
  readonly paged?: true;
  readonly formula: string;
}

const widthOf = (t: TrainedTensor, o: OptimizerOptions): Width => o.width ?? t.width;
const plain = (t: TrainedTensor, o: OptimizerOptions): Bytes => allocated(t.elements * widthOf(t, o));
/** PyTorch's fused kernels count steps in a 4-byte tensor on the card; the others count on the host. */
const STEP_COUNTER = allocated(4);

/**
 * Blockwise 8-bit state: one byte and a 4-byte scale per 256; tensors below 4096 elements stay in 32 bits
 * (bitsandbytes 0.48 `optim/optimizer.py`, min_8bit_size).
 */
const eightBit = (t: TrainedTensor): Bytes =>
  t.elements < 4096
    ? allocated(t.elements * 4)
    : allocated(t.elements) + allocated(Math.ceil(t.elements / 256) * 4);

/** 4-bit state: half a byte and a 4-byte scale per 128 (torchao 0.13 `optim/subclass_4bit.py`). */
const fourBit = (t: TrainedTensor, o: OptimizerOptions): Bytes =>
  t.elements < 4096 || t.elements % 128 !== 0
    ? plain(t, o)
    : allocated(t.elements / 2) + allocated((t.elements / 128) * 4);

/** Row and column means of squared gradients in fp32 (arXiv:1804.04235). */
const factored = (t: TrainedTensor): Bytes =>
  t.rows > 1 && t.columns > 1
    ? allocated(t.matrices * t.rows * 4) + allocated(t.matrices * t.columns * 4)
    : allocated(t.elements * 4);

/** Two moments of rank r along the longer side, and a projector along the shorter one if kept. */
function lowRank(t: TrainedTensor, o: OptimizerOptions, projector: boolean): Bytes {
  const short = Math.min(t.rows, t.columns);
  const long = Math.max(t.rows, t.columns);
  if (!t.hiddenMatrix || short <= o.rank) return 2 * plain(t, o);
  const width = widthOf(t, o);
  const moments = 2 * allocated(t.matrices * long * o.rank * width);
  return moments + (projector ? allocated(t.matrices * short * o.rank * width) : 0);
}

/**
 * Ids are unique, aliases too, with `-` for `_`: among them values of Transformers' `optim` (4.57 `training_args.py`,
 * `OptimizerNames`). Muon's step: Newton-Schulz works on about three copies of one matrix.
 */
export const OPTIMIZERS: readonly Optimizer[] = [
  {
    id: "adamw",
    aliases: ["adam", "adamw-foreach", "adamw-torch"],
    stateBytes: (t, o) => 2 * plain(t, o),
    stepOfAll: 1,
    stepOfLargest: 0,
    formula: "2 states per parameter",
  },
  {
    id: "adamw-fused",
    aliases: ["adam-fused", "adamw-torch-fused", "adamw-apex-fused"],
    stateBytes: (t, o) => 2 * plain(t, o) + STEP_COUNTER,
    stepOfAll: 0,
    stepOfLargest: 0,
    formula: "2 states per parameter and a counter per tensor",
  },
  {
    id: "adamw-loop",
    aliases: ["adam-loop", "adamw-hf"],
    stateBytes: (t, o) => 2 * plain(t, o),
    stepOfAll: 0,
    stepOfLargest: 2,
    formula: "2 states per parameter",
  },
  {
    id: "adamw-8bit",
    aliases: ["adamw8bit", "adam-8bit", "adam8bit", "adamw-bnb-8bit", "adamw-torch-8bit"],
    stateBytes: (t) => 2 * eightBit(t),
    stepOfAll: 0,
    stepOfLargest: 0,
    formula: "2 states of 1 byte and a 4-byte scale per 256",
  },
  {
    id: "paged-adamw-8bit",
    aliases: ["adamw-paged-8bit", "paged-adamw8bit", "pagedadamw8bit", "paged-adam-8bit"],
    stateBytes: (t) => 2 * eightBit(t),
    stepOfAll: 0,
    stepOfLargest: 0,
    paged: true,
    formula: "2 states of 1 byte and a 4-byte scale per 256, in memory that may move to the host",
  },
  {
    id: "paged-adamw",
    aliases: ["paged-adamw-32bit", "adamw-paged", "adamw-paged-32bit", "pagedadamw"],
    stateBytes: (t) => 2 * allocated(t.elements * 4),
    stepOfAll: 0,
    stepOfLargest: 0,
    paged: true,
    formula: "2 fp32 states per parameter, in memory that may move to the host",
  },
  {
    id: "adamw-4bit",
    aliases: ["adamw4bit", "adam-4bit", "adamw-torch-4bit"],
    stateBytes: (t, o) => 2 * fourBit(t, o),
    stepOfAll: 0,
    stepOfLargest: 2,
    formula: "2 states of half a byte and a 4-byte scale per 128",
  },
  {
    id: "adamw-fp8",
    aliases: ["adamwfp8"],
    stateBytes: (t) => 2 * eightBit(t),
    stepOfAll: 0,
    stepOfLargest: 2,
    formula: "2 states of 1 byte and a 4-byte scale per 256",
  },
  {
    id: "adafactor",
    aliases: [],
    stateBytes: (t) => factored(t),
    stepOfAll: 0,
    stepOfLargest: 2,
    formula: "4 bytes per row and column of each matrix",
  },
  { id: "sgd", aliases: [], stateBytes: () => 0, stepOfAll: 0, stepOfLargest: 0, formula: "no state" },
  {
    id: "sgd-momentum",
    aliases: ["momentum"],
    stateBytes: plain,
    stepOfAll: 0,
    stepOfLargest: 0,
    formula: "1 state per parameter",
  },
  {
    id: "lion",
    aliases: [],
    stateBytes: plain,
    stepOfAll: 0,
    stepOfLargest: 1,
    formula: "1 state per parameter",
  },
  {
    id: "lion-8bit",
    aliases: ["lion8bit"],
    stateBytes: eightBit,
    stepOfAll: 0,
    stepOfLargest: 0,
    formula: "1 state of 1 byte and a 4-byte scale per 256",
  },
  {
    id: "rmsprop",
    aliases: [],
    stateBytes: plain,
    stepOfAll: 1,
    stepOfLargest: 0,
    formula: "1 state per parameter",
  },
  {
    id: "adagrad",
    aliases: [],
    stateBytes: plain,
    stepOfAll: 2,
    stepOfLargest: 0,
    formula: "1 state per parameter",
  },
  {
    id: "muon",
    aliases: [],
    stateBytes: (t, o) => (t.hiddenMatrix ? 1 : 2) * plain(t, o),
    stepOfAll: 0,
    stepOfLargest: 3,
    formula: "1 state on hidden matrices, 2 on the rest",
  },
  {
    id: "galore",
    aliases: ["galore-adamw"],
    stateBytes: (t, o) => lowRank(t, o, true),
    stepOfAll: 0,
    stepOfLargest: 3,
    formula:
      "2 states of n x r and a projector of m x r on hidden matrices of m x n, 2 full ones on the rest",
  },
  {
    id: "apollo",
    aliases: ["apollo-adamw"],
    stateBytes: (t, o) => lowRank(t, o, false),
    stepOfAll: 0,
    stepOfLargest: 2,
    formula: "2 states of n x r on hidden matrices of m x n, 2 full ones on the rest",
  },
];

/**
 * The optimizer of a name or alias.
 *
 * @throws unknown-name
 */
export function optimizerByName(name: string): Optimizer {
  const wanted = name.toLowerCase().replaceAll("_", "-");
  const found = OPTIMIZERS.find((o) => o.id === wanted || o.aliases.includes(wanted));
  if (found !== undefined) return found;
  throw new VramCalcError("unknown-name", {
    kind: "optimizer",
    name,
    nearest: nearestNames(
      wanted,
      OPTIMIZERS.flatMap((o) => [o.id, ...o.aliases]),
    ),
    hint: `known: ${OPTIMIZERS.map((o) => o.id).join(", ")}`,
  });
}

/** Temporaries of one step. */
export function optimizerStepBytes(
  optimizer: Optimizer,
  tensors: readonly TrainedTensor[],
  options: OptimizerOptions,
): Bytes {
  let all = 0;
  let largest = 0;
  for (const t of tensors) {
    const bytes = plain(t, options);
    all += t.count * bytes;
    largest = Math.max(largest, bytes / t.matrices);
  }
  return optimizer.stepOfAll * all + Math.ceil(optimizer.stepOfLargest * largest);
}
