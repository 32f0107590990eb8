/**
 * A training step as autograd sees it: operations in the order in which they run, each keeping references to
 * storages for its backward pass. A storage that two operations keep is held once. Walking the tape
 * forward and back gives what is live at every moment, which is all that a peak is.
 *
 * Nothing here knows a model; `operations.ts` says what each operation keeps.
 */
import type { Bytes } from "../../units.ts";

/** Bytes per element. */
export type Width = 1 | 2 | 4 | 8;

/** Memory behind one or more tensors. `outside` is counted elsewhere: weights, and tables shared by all layers. */
export interface Storage {
  readonly id: number;
  readonly bytes: Bytes;
  readonly outside: boolean;
}

/** A tensor: a view of a storage, with whether a gradient flows into it. */
export interface Value {
  readonly id: number;
  readonly storage: Storage;
  readonly elements: number;
  readonly width: Width;
  readonly grad: boolean;
}

/** One operation. */
export interface Node {
  /** What the operation belongs to, for listings: "norm", "attention", "feed-forward". */
  readonly label: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Storages kept for backward; empty when no gradient flows. */
  readonly saved: readonly Storage[];
  /** Those of them that stay until the graph itself is dropped, not only until this operation's backward has run. */
  readonly outliving: readonly Storage[];
  /** The gradient passes through unchanged: view, add, transpose. */
  readonly alias: boolean;
  /** The gradient of the input is written where the kept input lies. */
  readonly overwritesInput: boolean;
  /** Element by element, or row by row: a compiler runs it inside the kernel of what reads its result (`fused-tape.ts`). */
  readonly light: boolean;
  /** Outputs of a light operation that cannot be made again from its inputs: where a dropout fell, sums over rows. */
  readonly pinned: readonly Value[];
  /** Bytes that backward needs for itself while it runs. */
  readonly backwardScratch: Bytes;
  /** Bytes that forward needs for itself while it runs. */
  readonly forwardScratch: Bytes;
  /** Gradients of weights that this node leaves behind. */
  readonly weightGradients: Bytes;
  readonly grad: boolean;
}

export interface Tape {
  readonly nodes: Node[];
  /** Casts of trainable weights that autocast keeps until the forward pass ends, by weight name. */
  readonly casts: Map<string, Value>;
  /** Memory that every layer shares (rotary tables, masks), by name. */
  readonly shared: Map<string, Value>;
  /** What a layer's class puts into a cache, which lives until the model's output is dropped. */
  readonly cached: Value[];
  /** bf16 or fp16 autocast. */
  readonly autocast: boolean;
  /** Softmax keeps its input too (`torch-release.ts`). */
  readonly keepsSoftmaxInput: boolean;
  label: string;
  ids: number;
}

/** PyTorch's caching allocator hands out multiples of this (c10/cuda/CUDACachingAllocator.h, kMinBlockSize). */
export const BLOCK_BYTES = 512;

/** Bytes that the allocator hands out for a request: the next multiple of 512, and none for none. */
export function allocated(bytes: Bytes): Bytes {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

export function newTape(options: Pick<Tape, "autocast" | "keepsSoftmaxInput">): Tape {
  const { autocast, keepsSoftmaxInput } = options;
  return {
    nodes: [],
    casts: new Map(),
    shared: new Map(),
    cached: [],
    label: "",
    ids: 0,
    autocast,
    keepsSoftmaxInput,
  };
}

/** A tensor in memory of its own. */
export function fresh(
  tape: Tape,
  spec: { readonly elements: number; readonly width: Width; readonly grad: boolean; readonly outside?: true },
): Value {
  const bytes = allocated(spec.elements * spec.width);
  const storage = { id: tape.ids++, bytes, outside: spec.outside === true };
  return { id: tape.ids++, storage, elements: spec.elements, width: spec.width, grad: spec.grad };
}

/** A table that all layers read, created once whatever the number of layers. */
export function sharedTable(
  tape: Tape,
  name: string,
  spec: { readonly elements: number; readonly width: Width },
): Value {
  const known = tape.shared.get(name);
  if (known !== undefined) return known;
  const value = fresh(tape, { ...spec, grad: false, outside: true });
  tape.shared.set(name, value);
  return value;
}

export interface Recorded {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly saved?: readonly (Value | undefined)[];
  readonly outliving?: readonly Value[];
  readonly alias?: true;
  readonly overwritesInput?: true;
  readonly light?: true;
  readonly pinned?: readonly Value[];
  readonly backwardScratch?: Bytes;
  readonly forwardScratch?: Bytes;
  readonly weightGradients?: Bytes;
}

const NO_BYTES: Bytes = 0;
const NO_VALUES: readonly Value[] = [];
const NO_STORAGES: readonly Storage[] = [];

/** Appends an operation. What it would keep is dropped when no gradient flows through it. */
export function record(tape: Tape, spec: Recorded): void {
  const { inputs, outputs } = spec;
  const grad = anyGrad(outputs);
  tape.nodes.push({
    label: tape.label,
    inputs,
    outputs,
    saved: grad ? storagesOf(spec.saved) : NO_STORAGES,
    outliving: grad ? storagesOf(spec.outliving) : NO_STORAGES,
    alias: spec.alias === true,
    overwritesInput: spec.overwritesInput === true,
    light: spec.light === true,
    pinned: spec.pinned ?? NO_VALUES,
    backwardScratch: spec.backwardScratch ?? NO_BYTES,
    forwardScratch: spec.forwardScratch ?? NO_BYTES,
    weightGradients: spec.weightGradients ?? NO_BYTES,
    grad,
  });
}

function anyGrad(values: readonly Value[]): boolean {
  for (const value of values) if (value.grad) return true;
  return false;
}

function storagesOf(values: readonly (Value | undefined)[] | undefined): readonly Storage[] {
  if (values === undefined) return NO_STORAGES;
  const storages: Storage[] = [];
  for (const value of values) if (value !== undefined) storages.push(value.storage);
  return storages;
}

/** Keeps values alive up to here, as the variables of a Python frame do until it returns. */
export function hold(tape: Tape, values: readonly Value[]): void {
  record(tape, { inputs: values, outputs: [], light: true });
}

/** Runs `body` with operations filed under `label`. */
export function under<T>(tape: Tape, label: string, body: () => T): T {
  const before = tape.label;
  tape.label = label;
  const result = body();
  tape.label = before;
  return result;
}

/** What a node kept and writes its input's gradient over. */
export const overwrittenBy = ({ overwritesInput, saved, inputs }: Node): readonly Storage[] =>
  overwritesInput ? saved.filter(({ id }) => inputs.some(({ storage }) => storage.id === id)) : NO_STORAGES;
