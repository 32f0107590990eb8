/**
 * The parts of a training step, each simulated once per distinct layer: embedding, layers, head and loss.
 */
import type { Architecture, ForwardFacts, LayerKind, Stack, Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { Bytes } from "../../units.ts";
import { embedding } from "./embedding.ts";
import { layer } from "./layer.ts";
import { layerCode } from "./layer-code.ts";
import { type LossCode, lossSegment } from "./loss.ts";
import type { AttentionCode, Holding, Kernels, Pass } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, newTape, type Value, type Width } from "./tape.ts";

export interface PassRequest {
  readonly batch: number;
  readonly seqTokens: number;
  readonly attention: AttentionCode;
  /** 16-bit autocast around the forward pass. */
  readonly autocast: boolean;
  readonly holding: Holding;
  readonly kernels: Kernels;
  readonly loss: LossCode;
  /** The embedding's output is made to need a gradient although nothing before it trains. */
  readonly inputGradients: boolean;
}

export interface LayerSegment extends Replay {
  /** The layer's input: what a checkpoint keeps. */
  readonly inputBytes: Bytes;
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
  readonly embedding: Replay & { readonly output: Value };
  readonly spans: readonly LayerSpan[];
  readonly loss: Replay;
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

/** The language model's layers: what a training step runs on text. */
export function decoderStack(model: Architecture): Stack | undefined {
  return model.stacks.find((s) => s.role === "decoder") ?? model.stacks.find((s) => s.role === "encoder");
}

/** Simulates every distinct part of the step once. Layer counts cost nothing. */
export function segmentsOf(model: Architecture, request: PassRequest): Segments {
  const shared = new Map<string, Value>();
  const table = model.tensors.find((t) => t.role === "embedding");
  const residualWidth = table === undefined ? 2 : request.holding.width(table);
  const newPass = (): Pass => ({
    tape: { ...newTape({ autocast: request.autocast }), shared },
    batch: request.batch,
    seqTokens: request.seqTokens,
    attention: request.attention,
    code: layerCode(model),
    facts: model.forward ?? NO_FACTS,
    holding: request.holding,
    kernels: request.kernels,
    residualWidth,
  });
  const first = newPass();
  const output = embedding(first, model, request.inputGradients);
  const embeddingSums = replay(first.tape, { output });
  const { spans, width, grad } = layerSpans(model, newPass, output);
  const loss = lossSegment(newPass, { elements: output.elements, width, grad }, model, request.loss);
  let tableBytes = 0;
  let argumentBytes = allocated(request.seqTokens * 8);
  for (const [name, value] of shared) {
    if (name.includes("mask")) argumentBytes += value.storage.bytes;
    else tableBytes += value.storage.bytes;
  }
  return {
    embedding: { ...embeddingSums, output },
    spans,
    loss,
    tableBytes,
    argumentBytes,
  };
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
  model: Architecture,
  newPass: () => Pass,
  entering: Value,
): { readonly spans: readonly LayerSpan[]; readonly width: Width; readonly grad: boolean } {
  const stack = decoderStack(model);
  const spans: { segment: LayerSegment; kind: LayerKind; count: number }[] = [];
  let { width, grad } = entering;
  if (stack === undefined) return { spans, width, grad };
  const known = new Map<string, LayerSegment>();
  const segmentOf = (kind: LayerKind, index: number): LayerSegment => {
    const key = `${index} ${width} ${grad}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const pass = newPass();
    const input = fresh(pass.tape, { elements: entering.elements, width, grad });
    const output = layer(pass, input, kind, stack.hiddenSize);
    const segment: LayerSegment = {
      ...replay(pass.tape, { input, output }),
      weightGradients: gradientBytes(kind.tensors, pass.holding),
      inputBytes: input.storage.bytes,
      inputKept: pass.tape.nodes.some((n) => n.saved.includes(input.storage)),
      outputWidth: output.width,
      outputGrad: output.grad,
    };
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
