/** The encoder's side of an encoder-decoder, but for its layers. */
import type { Architecture, Tensor } from "../../architecture/model.ts";
import { embedding } from "./embedding.ts";
import { norm, normTensors } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, record, sharedTable, type Value } from "./tape.ts";

/**
 * What an encoder-decoder makes beside its layers: the encoder's input, which is returned, and its output, which every layer of the
 * decoder reads.
 */
export function encodedSource(pass: Pass, model: Architecture, inputGradients: boolean): Value {
  const { tape } = pass;
  const x = embedsSound(model) ? sound(pass, model) : embedding(pass, model, inputGradients, "encoder");
  const encoded = fresh(tape, { elements: x.elements, width: x.width, grad: true });
  record(tape, { inputs: [], outputs: [encoded] });
  const weight = model.tensors.find(
    (t) => t.kind === "norm" && /encoder\.(final_layer_norm|layer_norm)\.weight$/.test(t.name),
  );
  const normed =
    weight === undefined
      ? encoded
      : norm(pass, encoded, weight, model.hiddenSize, normTensors(weight, model.tensors));
  const out = pass.code.dropsStacks ? op.dropout(tape, normed, pass.facts.residualDropout) : normed;
  record(tape, { inputs: [out], outputs: [op.view(tape, out)], saved: [out] });
  return x;
}

const convolutions = (model: Architecture): readonly Tensor[] =>
  model.tensors.filter((t) => t.kind === "conv" && /encoder\.conv[12]\.weight$/.test(t.name));

const embedsSound = (model: Architecture): boolean => convolutions(model).length === 2;

/**
 * Whisper's way from the spectrogram to the encoder: two convolutions, the second of stride 2, each with a GELU that keeps its input;
 * the second keeps the first one's output.
 *
 *     [B, mels, 2S] -> [B, h, 2S] -> [B, h, S] -> [B S, h]
 */
function sound(pass: Pass, model: Architecture): Value {
  const { tape } = pass;
  const elements = tokensOf(pass) * model.hiddenSize;
  const [first, second] = convolutions(model);
  const trains = (t: Tensor | undefined): boolean => t !== undefined && pass.holding.trainable(t);
  const width = pass.residualWidth;
  sharedTable(tape, "spectrogram", {
    elements: 2 * tokensOf(pass) * (first?.shape[1] ?? 0),
    width,
  });
  const wide = fresh(tape, { elements: 2 * elements, width, grad: trains(first) });
  record(tape, { inputs: [], outputs: [wide] });
  const active = op.keepsInput(tape, wide);
  const strided = fresh(tape, { elements, width, grad: trains(second) });
  record(tape, { inputs: [active], outputs: [strided], saved: [trains(second) ? active : undefined] });
  return op.scale(tape, op.keepsInput(tape, strided));
}
