import type { Architecture, LayerKind, Stack } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";
import { layer } from "./layer.ts";
import { layerCode } from "./layer-code.ts";
import { headAndLoss, headWeight } from "./loss.ts";
import * as op from "./operations.ts";
import type { AttentionCode, Holding, Kernels, Pass } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, newTape, record, sharedTable, type Tape, type Value, type Width } from "./tape.ts";

export interface StepRequest {
  readonly batch: number;
  readonly seqTokens: number;
  readonly attention: AttentionCode;
  readonly autocast: boolean;
  readonly checkpointing: boolean;
  readonly holding: Holding;
  readonly kernels: Kernels;
  /** The embedding's output is made to need a gradient although nothing before it trains. */
  readonly inputGradients: boolean;
  /** Gradients of an earlier micro-batch exist already. */
  readonly accumulating: boolean;
}

/** Bytes beyond weights, optimizer states and gradients of earlier micro-batches. */
export interface StepActivity {
  /** Kept for backward when forward ends. */
  readonly savedBytes: Bytes;
  readonly forwardPeak: Bytes;
  /** Most in backward, gradients of weights made so far included. */
  readonly backwardPeak: Bytes;
  readonly backwardPeakAt: "loss" | "layer" | "embedding";
  readonly weightGradients: Bytes;
}

interface LayerReplay extends Replay {
  readonly inputKept: boolean;
  readonly inputBytes: Bytes;
  readonly outputGrad: boolean;
}

export function simulate(model: Architecture, request: StepRequest): StepActivity {
  const shared = new Map<string, Value>();
  const facts = model.forward ?? {
    residualDropout: 0,
    attentionDropout: 0,
    embeddingDropout: 0,
    attentionSoftcap: false,
    logitSoftcap: false,
  };
  const embeddingTensor = model.tensors.find((t) => t.role === "embedding")!;
  const residualWidth = request.holding.width(embeddingTensor);
  const embeddingTrains = request.holding.trainable(embeddingTensor);
  const tokens = request.batch * request.seqTokens;
  const newPass = (): Pass => ({
    tape: { ...newTape({ autocast: request.autocast }), shared },
    batch: request.batch,
    seqTokens: request.seqTokens,
    attention: request.attention,
    code: layerCode(model),
    facts,
    holding: request.holding,
    kernels: request.kernels,
    residualWidth,
  });
  // embedding
  const embed = embedding(newPass(), model, tokens, embeddingTrains || request.inputGradients);
  const decoder = model.stacks.find((s) => s.role === "decoder")!;
  const cache = new Map<string, LayerReplay>();
  const hiddenSize = decoder.hiddenSize;
  let width: Width = embed.output.width;
  const replayOf = (
    kind: LayerKind,
    index: number,
    grad: boolean,
    w: Width,
  ): LayerReplay & { outWidth: Width } => {
    const key = `${index} ${grad} ${w}`;
    const known = cache.get(key);
    if (known !== undefined) return known as LayerReplay & { outWidth: Width };
    const pass = newPass();
    const input = fresh(pass.tape, { elements: tokens * hiddenSize, width: w, grad });
    const output = layer(pass, input, kind, hiddenSize);
    const sums = replay(pass.tape, { input, output });
    const inputKept = pass.tape.nodes.some((n) => n.saved.includes(input.storage));
    const made = {
      ...sums,
      inputKept,
      inputBytes: input.storage.bytes,
      outputGrad: output.grad,
      outWidth: output.width,
    };
    cache.set(key, made);
    return made;
  };
  let grad = embed.output.grad;
  const layers: (LayerReplay & { outWidth: Width })[] = [];
  for (const run of decoder.runs) {
    for (let i = 0; i < run.count; i++) {
      const r = replayOf(decoder.kinds[run.kind]!, run.kind, grad, width);
      layers.push(r);
      grad = r.outputGrad;
      width = r.outWidth;
    }
  }
  const lossPass = newPass();
  const lossInput = fresh(lossPass.tape, { elements: tokens * hiddenSize, width, grad });
  const { loss, held } = headAndLoss(lossPass, lossInput, model);
  const lossReplay = replay(lossPass.tape, { input: lossInput, output: loss, held });

  // A checkpoint keeps the layer's arguments: positions and the mask beside the hidden state.
  if (request.checkpointing)
    shared.set("positions", fresh(lossPass.tape, { elements: request.seqTokens, width: 8, grad: false }));
  let sharedBytes = 0;
  for (const [name, value] of shared) {
    const mask = name === "bool-mask" || name === "eager-mask";
    if (!mask || request.checkpointing) sharedBytes += value.storage.bytes;
  }
  const keptOf = (r: LayerReplay): Bytes => (request.checkpointing ? r.inputBytes : r.savedBytes);
  const layerKept = layers.reduce((s, r) => s + keptOf(r), 0);
  const saved = embed.replay.savedBytes + layerKept + lossReplay.savedBytes + sharedBytes;

  // forward
  let forwardPeak = 0;
  let live = embed.replay.savedBytes + sharedBytes;
  let casts = 0;
  for (const r of layers) {
    const peak = request.checkpointing
      ? live + casts + r.castBytes + r.forwardPeakUnsaved
      : live + casts + r.forwardPeak + r.castBytes;
    forwardPeak = Math.max(forwardPeak, peak);
    live += keptOf(r);
    casts += request.checkpointing ? r.castBytes : r.castOnlyBytes;
  }
  forwardPeak = Math.max(forwardPeak, live + casts + lossReplay.castBytes + lossReplay.forwardPeak);

  // backward
  const BLOCK = 1024;
  let gradients = 0;
  const peakOf = (r: Replay): Bytes => (request.accumulating ? r.accumulatingPeak : r.backwardPeak);
  const leaves = (bytes: Bytes): void => {
    if (!request.accumulating) gradients += bytes;
  };
  let backwardPeak = live + peakOf(lossReplay);
  let at: StepActivity["backwardPeakAt"] = "loss";
  leaves(lossReplay.weightGradients);
  const consider = (peak: Bytes, where: StepActivity["backwardPeakAt"]): void => {
    if (peak > backwardPeak) {
      backwardPeak = peak;
      at = where;
    }
  };
  for (let i = layers.length - 1; i >= 0; i--) {
    const r = layers[i]!;
    live -= keptOf(r);
    if (request.checkpointing) {
      const input = r.inputBytes;
      const own = peakOf(r) - (r.inputKept ? input : 0);
      consider(live + gradients + input + own, "layer");
      consider(live + gradients + input + r.castBytes + r.forwardPeak, "layer");
    } else if (r.outputGrad) consider(live + gradients + peakOf(r), "layer");
    if (r.outputGrad) leaves(r.weightGradients);
  }
  consider(live + gradients + embed.replay.backwardPeak, "embedding");
  if (embeddingTrains) {
    const table = allocated(model.vocabSize * model.hiddenSize * request.holding.width(embeddingTensor));
    const incoming = embed.output.storage.bytes;
    if (model.tied && headWeight(model) !== undefined) {
      consider(BLOCK + gradients + incoming + table, "embedding");
      consider(BLOCK + gradients + 2 * table, "embedding");
    } else {
      consider(BLOCK + gradients + incoming + table, "embedding");
      leaves(table);
    }
  }
  return { savedBytes: saved, forwardPeak, backwardPeak, backwardPeakAt: at, weightGradients: gradients };
}

function embedding(
  pass: Pass,
  model: Architecture,
  tokens: number,
  grad: boolean,
): { output: Value; replay: Replay } {
  const { tape } = pass;
  const out = fresh(tape, { elements: tokens * model.hiddenSize, width: pass.residualWidth, grad });
  sharedTable(tape, "ids", { elements: tokens, width: 8 });
  record(tape, { inputs: [], outputs: [out] });
  let x = out;
  if (model.tensors.some((t) => t.role === "position-embedding")) {
    const positions = fresh(tape, {
      elements: pass.seqTokens * model.hiddenSize,
      width: pass.residualWidth,
      grad,
    });
    record(tape, { inputs: [], outputs: [positions] });
    x = op.add(tape, x, positions);
  }
  x = op.dropout(tape, x, pass.facts.embeddingDropout);
  return { output: x, replay: replay(tape as Tape, { output: x }) };
}

export type { Stack };
