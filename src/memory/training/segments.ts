/**
 * The parts of a training step, each simulated once per distinct layer: embedding, layers, head and loss.
 */
import type { Architecture, ForwardFacts, LayerKind, Stack, Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { embedding, encodedSource } from "./embedding.ts";
import { isCross, layer } from "./layer.ts";
import { type LayerFramework, layerCode } from "./layer-code.ts";
import { type LossCode, type LossSegment, lossSegment } from "./loss.ts";
import type { TapePart } from "./part-events.ts";
import type { AttentionCode, Holding, Kernels, Pass } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, newTape, type Value, type Width } from "./tape.ts";

export interface PassRequest {
  readonly batch: number;
  readonly seqTokens: number;
  readonly attention: AttentionCode;
  /** 16-bit autocast around the forward pass. */
  readonly autocast: boolean;
  /** Softmax keeps its input too (`torch-release.ts`). */
  readonly keepsSoftmaxInput: boolean;
  readonly holding: Holding;
  readonly kernels: Kernels;
  readonly loss: LossCode;
  /** The embedding's output is made to need a gradient although nothing before it trains. */
  readonly inputGradients: boolean;
  /** Ranks that divide the sequence between norms and residuals; 1 without sequence parallelism. */
  readonly sequenceShards: number;
  /** Routed experts per token when the experts lie on several ranks: each then serves as many rows as it sends. */
  readonly routedExperts?: number;
  readonly framework?: LayerFramework;
  /** The step before had batches of the same length, and the loop's variables still hold it. */
  readonly stepBefore: boolean;
  /** Which ends of the model this pipeline stage has. */
  readonly ends: { readonly input: boolean; readonly output: boolean };
}

export interface LayerSegment extends Replay {
  readonly part: TapePart;
  /** The layer's input: what a checkpoint keeps. */
  readonly inputBytes: Bytes;
  /** What selective checkpointing keeps. */
  readonly selectiveBytes: Bytes;
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

export interface Segments {
  readonly embedding: Replay & { readonly output: Value; readonly part: TapePart };
  readonly spans: readonly LayerSpan[];
  readonly loss: LossSegment;
  /** Tables that all layers read and keep: rotary tables, token ids, targets. */
  readonly tableBytes: Bytes;
  /** Masks and position ids that all layers are given; kept only by checkpoints, which hold a layer's arguments. */
  readonly argumentBytes: Bytes;
}

const NO_FACTS: ForwardFacts = {
  residualDropout: 0,
  attentionDropout: 0,
  embeddingDropout: 0,
  attentionSoftcap: false,
  logitSoftcap: false,
};

const NOTHING: LossSegment = {
  part: null,
  savedBytes: 0,
  outlivingBytes: 0,
  kept: [],
  castBytes: 0,
  castOnlyBytes: 0,
  forwardPeak: 0,
  forwardPeakUnsaved: 0,
  backwardPeak: 0,
  accumulatingPeak: 0,
  weightGradients: 0,
};

/** Width of the residual stream on a stage without the embedding: that of its first weight. */
function stageWidth(model: Architecture, holding: Holding): Width {
  const norm = decoderStack(model)?.kinds[0]?.tensors.find((t) => t.kind === "norm");
  return norm === undefined ? 2 : holding.width(norm);
}

/** The language model's layers: what a training step runs on text. */
export function decoderStack(model: Architecture): Stack | undefined {
  return model.stacks.find((s) => s.role === "decoder") ?? model.stacks.find((s) => s.role === "encoder");
}

/** The encoder whose output the decoder's layers attend to, if there is one. */
export function sourceStack(model: Architecture): Stack | undefined {
  const decoder = decoderStack(model);
  const attends = decoder?.kinds.some((kind) => kind.mixers.some(isCross)) === true;
  return attends ? model.stacks.find((s) => s.role === "encoder") : undefined;
}

/** Tokens per sequence that an encoder-decoder reads; null for models that have no such encoder. */
export const sourceTokensOf = (model: Architecture, seqTokens: Tokens): Tokens | null =>
  sourceStack(model) === undefined ? null : sourceTokens(model, seqTokens);

/** Positions of the encoder: as many as the class fixes (speech), else as the decoder has. */
function sourceTokens(model: Architecture, seqTokens: Tokens): Tokens {
  const cross = decoderStack(model)?.kinds.flatMap(({ mixers }) => mixers.filter(isCross))[0];
  return cross?.encoderTokens ?? seqTokens;
}

/** Embedding and layers of a step, which every loss can follow. */
export interface LayersPart {
  readonly embedding: Segments["embedding"];
  readonly spans: readonly LayerSpan[];
  /** What the head reads. */
  readonly leaving: Pick<Value, "elements" | "width" | "grad">;
  readonly shared: ReadonlyMap<string, Value>;
}

/** Simulates every distinct part of the step once. Layer counts cost nothing. */
export const segmentsOf = (model: Architecture, request: PassRequest): Segments =>
  withLoss(model, request, layersPart(model, request));

/** A layer as simulated, and the tables that it made for all layers. */
export interface KnownLayer {
  readonly segment: LayerSegment;
  readonly tables: ReadonlyMap<string, Value>;
}

/** Gives back what was remembered of a layer under this key, or what `make` makes. */
export type RecallLayer = (kind: LayerKind, key: string, make: () => KnownLayer) => KnownLayer;

export function layersPart(
  model: Architecture,
  request: PassRequest,
  recall: RecallLayer = (_kind, _key, make) => make(),
): LayersPart {
  const shared = new Map<string, Value>();
  const newPass = passes(model, request, shared);
  const first = newPass();
  const newStream = (tokens: Tokens): Value =>
    fresh(first.tape, {
      elements: (request.batch * tokens * model.hiddenSize) / request.sequenceShards,
      width: first.residualWidth,
      grad: true,
    });
  const source = sourceStack(model);
  const sourcePasses = passes(model, request, shared, first.sourceTokens);
  const encoded =
    source !== undefined && request.ends.input
      ? encodedSource({ ...first, seqTokens: first.sourceTokens }, model, request.inputGradients)
      : newStream(first.sourceTokens);
  const output = request.ends.input
    ? embedding(first, model, request.inputGradients, source === undefined ? undefined : "decoder")
    : newStream(request.seqTokens);
  const sums = replay(first.tape, { output });
  const before =
    source === undefined
      ? []
      : layerSpans({ stack: source, newPass: sourcePasses, shared, recall }, encoded).spans;
  const run = layerSpans({ stack: decoderStack(model), newPass, shared, recall }, output);
  const spans = [...before, ...run.spans];
  const { width, grad } = run;
  return {
    embedding: { ...sums, output, part: { tape: first.tape, input: null, output, held: [] } },
    spans,
    leaving: { elements: output.elements, width, grad },
    shared,
  };
}

/** The whole step: the layers with head and loss behind them. */
export function withLoss(model: Architecture, request: PassRequest, layers: LayersPart): Segments {
  const { spans, leaving } = layers;
  const shared = new Map(layers.shared);
  const loss = request.ends.output
    ? lossSegment(passes(model, request, shared), leaving, model, request.loss)
    : NOTHING;
  let tableBytes = 0;
  let argumentBytes = allocated(request.seqTokens * 8);
  for (const [name, value] of shared) {
    if (name.includes("mask")) argumentBytes += value.storage.bytes;
    else tableBytes += value.storage.bytes;
  }
  return { embedding: layers.embedding, spans, loss, tableBytes, argumentBytes };
}

function passes(
  model: Architecture,
  request: PassRequest,
  shared: Map<string, Value>,
  seqTokens: Tokens = request.seqTokens,
): () => Pass {
  const table = model.tensors.find((t) => t.role === "embedding");
  const residualWidth =
    table === undefined ? stageWidth(model, request.holding) : request.holding.width(table);
  const code = layerCode(model, request.framework);
  return () => ({
    tape: { ...newTape(request), shared },
    batch: request.batch,
    seqTokens,
    sourceTokens: sourceTokens(model, request.seqTokens),
    attention: request.attention,
    code,
    facts: model.forward ?? NO_FACTS,
    holding: request.holding,
    kernels: request.kernels,
    residualWidth,
    sequenceShards: request.sequenceShards,
    stepBefore: request.stepBefore,
    ...(request.routedExperts === undefined ? {} : { routedExperts: request.routedExperts }),
  });
}

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
    if (products++ % 2 === 0)
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

function layerSpans(
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
    const pass = of.newPass();
    const input = fresh(pass.tape, { elements: entering.elements, width, grad });
    const output = layer(pass, input, kind, hiddenSize);
    const segment: LayerSegment = {
      ...replay(pass.tape, { input, output }),
      part: { tape: pass.tape, input, output, held: [] },
      weightGradients: gradientBytes(kind.tensors, pass.holding),
      inputBytes: input.storage.bytes,
      selectiveBytes: selectiveBytes(pass, kind, input),
      inputKept: pass.tape.nodes.some((n) => n.saved.includes(input.storage)),
      outputWidth: output.width,
      outputGrad: output.grad,
    };
    return { segment, tables: new Map(of.shared) };
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
