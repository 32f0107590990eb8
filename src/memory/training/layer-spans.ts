/** The layers of a stack, each kind simulated once, as spans of equal layers that follow each other. */
import type { LayerKind, Stack, Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { Bytes } from "../../units.ts";
import { fusedTape } from "./fused-tape.ts";
import { layer } from "./layer.ts";
import type { TapePart } from "./part-events.ts";
import type { Holding, Pass } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, type Value, type Width } from "./tape.ts";

export interface LayerSegment extends Replay {
  readonly part: TapePart;
  /** The layer's input: what a checkpoint keeps. */
  readonly inputBytes: Bytes;
  /** What selective checkpointing keeps. */
  readonly selectiveBytes: Bytes;
  /** What goes into a cache until forward ends. */
  readonly cachedBytes: Bytes;
  /** Its own backward keeps the input too. */
  readonly inputKept: boolean;
  readonly outputWidth: Width;
  readonly outputGrad: boolean;
}

/** Layers that follow each other and are equal in every respect. */
export interface LayerSpan {
  readonly segment: LayerSegment;
  readonly kind: LayerKind;
  readonly count: number;
}

/** A layer as simulated, and the tables that it made for all layers. */
export interface KnownLayer {
  readonly segment: LayerSegment;
  readonly tables: ReadonlyMap<string, Value>;
}

/** Gives back what was remembered of a layer under this key, or what `make` makes. */
export type RecallLayer = (kind: LayerKind, key: string, make: () => KnownLayer) => KnownLayer;

/**
 * Selective checkpointing by operation (torchtitan, April 2025 `parallelize_llama.py`): the layer's input, the
 * outputs of attention and of every second matrix product are kept, everything else is recomputed.
 */
function selectiveBytes(pass: Pass, kind: LayerKind, input: Value): Bytes {
  const tokens = pass.batch * pass.seqTokens;
  let bytes = input.storage.bytes;
  let products = 0;
  for (const tensor of kind.tensors) {
    if (tensor.kind !== "linear" && tensor.kind !== "expert") continue;
    // Compiled, nothing is kept that backward never reads: the last product is only added to the stream.
    const unread = pass.compiled && tensor.role === "mlp-down";
    if (products++ % 2 === 0 && !unread)
      bytes += allocated(
        (tokens * tensor.activeCopies * tensor.shape[0]! * input.width) /
          (tensor.split === "row" ? pass.sequenceShards : 1),
      );
  }
  for (const mixer of kind.mixers) {
    if (mixer.kind === "attention" || mixer.kind === "latent")
      bytes += allocated(tokens * mixer.queryHeads * (mixer.valueDim * input.width + 4));
  }
  return bytes;
}

/** Gradients of a layer's trained weights and adapters, tensor by tensor. */
function gradientBytes(tensors: readonly Tensor[], holding: Holding): Bytes {
  let bytes = 0;
  for (const tensor of tensors) {
    if (tensor.buffer === true) continue;
    if (holding.trainable(tensor))
      bytes += allocated(tensorElements(tensor) * tensor.copies * holding.width(tensor));
    const adapter = holding.adapter(tensor);
    if (adapter !== null) bytes += allocated(adapter.parameters * adapter.width);
  }
  return bytes;
}

export function layerSpans(
  of: {
    readonly stack: Stack | undefined;
    readonly newPass: () => Pass;
    readonly shared: Map<string, Value>;
    readonly recall: RecallLayer;
  },
  entering: Value,
): { readonly spans: readonly LayerSpan[]; readonly width: Width; readonly grad: boolean } {
  const { stack } = of;
  const spans: { segment: LayerSegment; kind: LayerKind; count: number }[] = [];
  let { width, grad } = entering;
  if (stack === undefined) return { spans, width, grad };
  const known = new Map<string, LayerSegment>();
  const { hiddenSize } = stack;
  const simulated = (kind: LayerKind): KnownLayer => {
    const plain = of.newPass();
    // A map of its own: what other parts of this step share is not what the layer asks for wherever it is remembered.
    const tables = new Map<string, Value>();
    const pass: Pass = { ...plain, tape: { ...plain.tape, shared: tables } };
    const input = fresh(pass.tape, { elements: entering.elements, width, grad });
    const output = layer(pass, input, kind, hiddenSize);
    const tape = pass.compiled ? fusedTape(pass.tape, { input, output }) : pass.tape;
    const segment: LayerSegment = {
      // The model's loop holds the layer's input until the layer returns; where it is a checkpoint, longer.
      ...replay(tape, { input, output, held: [input] }),
      part: { tape, input, output, held: [input] },
      weightGradients: gradientBytes(kind.tensors, pass.holding),
      inputBytes: input.storage.bytes,
      selectiveBytes: selectiveBytes(pass, kind, input),
      cachedBytes: pass.tape.cached.reduce((sum, { storage }) => sum + storage.bytes, 0),
      inputKept: tape.nodes.some((n) => n.saved.includes(input.storage)),
      outputWidth: output.width,
      outputGrad: output.grad,
    };
    return { segment, tables };
  };
  const segmentOf = (kind: LayerKind, index: number): LayerSegment => {
    const key = `${index} ${width} ${grad}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const { segment, tables } = of.recall(kind, `${width} ${grad}`, () => simulated(kind));
    for (const [name, table] of tables) if (!of.shared.has(name)) of.shared.set(name, table);
    known.set(key, segment);
    return segment;
  };
  for (let repeat = 0; repeat < (stack.repeats ?? 1); repeat++) {
    for (const run of stack.runs) {
      const kind = stack.kinds[run.kind];
      if (kind === undefined) continue;
      let left = run.count;
      while (left > 0) {
        const segment = segmentOf(kind, run.kind);
        const settled = segment.outputWidth === width && segment.outputGrad === grad;
        const count = settled ? left : 1;
        spans.push({ segment, kind, count });
        left -= count;
        width = segment.outputWidth;
        grad = segment.outputGrad;
      }
    }
  }
  return { spans, width, grad };
}
