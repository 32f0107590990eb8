/**
 * The parts of a training step, each simulated once per distinct layer: embedding, layers, head and loss.
 */

import type { ForwardFacts } from "../../architecture/forward-facts.ts";
import type { Architecture } from "../../architecture/model.ts";
import { dividedStack } from "../../parallelism/layer-range.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { embedding } from "./embedding.ts";
import { encodedSource } from "./encoded-source.ts";
import { type LayerFramework, layerCode } from "./layer-code.ts";
import { type LayerSpan, layerSpans, type RecallLayer } from "./layer-spans.ts";
import { type LossCode, type LossSegment, lossSegment } from "./loss.ts";
import type { TapePart } from "./part-events.ts";
import type { AttentionCode, Holding, Kernels, Pass } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, newTape, type Value, type Width } from "./tape.ts";
import { sourceStack, sourceTokens } from "./trained-stacks.ts";

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
  /** Keys and values go into a cache in training too. */
  readonly fillsCache: boolean;
  /** They are repeated to all query heads, whatever the kernel could do (`transformers-release.ts`). */
  readonly repeatsKv: boolean;
  readonly keepsPackedInput: boolean;
  /** torch.compile around every layer. */
  readonly compiled: boolean;
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
  stoppingPeak: 0,
  forwardPeakUnsaved: 0,
  backwardPeak: 0,
  accumulatingPeak: 0,
  weightGradients: 0,
  waitingBytes: 0,
};

/** Width of the residual stream on a stage without the embedding: that of its first weight. */
function stageWidth(model: Architecture, holding: Holding): Width {
  const norm = dividedStack(model)?.kinds[0]?.tensors.find((t) => t.kind === "norm");
  return norm === undefined ? 2 : holding.width(norm);
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
  const run = layerSpans({ stack: dividedStack(model), newPass, shared, recall }, output);
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
  const source = sourceTokens(model, request.seqTokens);
  return () => ({
    tape: { ...newTape(request), shared },
    batch: request.batch,
    seqTokens,
    sourceTokens: source,
    attention: request.attention,
    code,
    facts: model.forward ?? NO_FACTS,
    holding: request.holding,
    kernels: request.kernels,
    fillsCache: request.fillsCache,
    repeatsKv: code.repeatsKv || request.repeatsKv,
    keepsPackedInput: request.keepsPackedInput,
    compiled: request.compiled,
    residualWidth,
    sequenceShards: request.sequenceShards,
    stepBefore: request.stepBefore,
    ...(request.routedExperts === undefined ? {} : { routedExperts: request.routedExperts }),
  });
}
