/** The numbers that a training term is worked out from, so that its explanation can be done again by hand. */
import { forEachTensor, tensorElements } from "../architecture/parameters.ts";
import type { Explained } from "../memory/term.ts";
import { packedBytes, packedState } from "../memory/training/holding.ts";
import { type BufferPart, dividedBy } from "../memory/training/sharding.ts";
import { trainedTensors } from "../memory/training/trained-tensors.ts";
import type { Bytes } from "../units.ts";
import { type EffectiveTrain, shardRanks } from "./effective-train.ts";
import { heldBy, type KnownParts } from "./train-device.ts";
import type { Stage } from "./train-stages.ts";
import { widthsOf } from "./train-widths.ts";

export interface Operands {
  /** Weights on the device before sharding, and those of them in few bits with what they take. */
  readonly weights: number;
  readonly packed: number;
  readonly packedBytes: Bytes;
  /** Scales and tables of those, which no rank divides. */
  readonly packedStates: Bytes;
  /** Parameters that train: weights or adapters. */
  readonly trained: number;
  readonly gradientWidth: number;
  /** Ranks that divide each of the three. */
  readonly weightRanks: number;
  readonly gradientRanks: number;
  readonly optimizerRanks: number;
}

export function operandsOf(stage: Stage, effective: EffectiveTrain, known: KnownParts): Operands {
  const model = stage.share;
  const widths = widthsOf(effective);
  const { holding } = heldBy(stage, effective, widths, known);
  const sums = { weights: 0, packed: 0, bytes: 0, states: 0 };
  forEachTensor(model, (tensor, layers, stack) => {
    if (stack?.role === "mtp") return;
    const elements = layers * tensorElements(tensor) * tensor.copies;
    sums.weights += elements;
    if (!holding.packed(tensor)) return;
    sums.packed += elements;
    sums.bytes += layers * packedBytes(tensor, effective.quantization);
    sums.states += layers * packedState(tensor, effective.quantization);
  });
  const full = effective.method === "full" || effective.method === "freeze";
  const trained = trainedTensors(model, holding);
  const divided = dividedBy(effective.parallel.sharding);
  const ranks = shardRanks(effective.parallel);
  return {
    weights: sums.weights,
    packed: sums.packed,
    packedBytes: sums.bytes,
    packedStates: sums.states,
    trained: trained.reduce((sum, t) => sum + t.count * t.elements, 0),
    gradientWidth: full ? widths.gradient : (trained[0]?.width ?? widths.gradient),
    weightRanks: divided.weights ? ranks : 1,
    gradientRanks: divided.gradients ? ranks : 1,
    optimizerRanks: divided.optimizer ? ranks : 1,
  };
}

/** `count` times whole thousandths of a byte, over the ranks, and what is left: blocks, counters, scales. */
export function times(name: string, count: number, bytes: Bytes, ranks = 1): Explained {
  const exactly = count === 0 ? 0 : (bytes * ranks) / count;
  const whole = Math.floor(exactly);
  const each = exactly > 1000 || exactly - whole < 0.01 ? whole : Math.floor(exactly * 1000) / 1000;
  const rest = bytes - Math.round((count * each) / ranks);
  const over = ranks > 1 ? " / {ranks}" : "";
  return {
    formula: `{${name}}${name === "tokens" ? " tokens" : ""} x {each} B${over}${rest === 0 ? "" : " + {rest} B of blocks"}`,
    inputs: { [name]: count, each, ...(ranks > 1 ? { ranks } : {}), ...(rest === 0 ? {} : { rest }) },
  };
}

/** Packed weights and the others. */
export function weightsText(of: Operands, bytes: Bytes): Explained {
  const { packed, weights, weightRanks } = of;
  if (packed === 0) return times("parameters", weights, bytes, weightRanks);
  if (weightRanks > 1) {
    const values = of.packedBytes - of.packedStates;
    const divided = Math.round(values / weightRanks);
    const rest = times("others", weights - packed, bytes - divided - of.packedStates, weightRanks);
    return {
      formula: `{values} B of packed weights / {ranks} + {scales} B of their scales + ${rest.formula}`,
      inputs: { packed, values, scales: of.packedStates, ranks: weightRanks, ...rest.inputs },
    };
  }
  const others = times("others", weights - packed, bytes - of.packedBytes);
  return {
    formula: `{packedBytes} B of packed weights + ${others.formula}`,
    inputs: { packed, packedBytes: of.packedBytes, ...others.inputs },
  };
}

/** Gradients made so far, each in its width. */
export function gradientsText(of: Operands, bytes: Bytes): Explained {
  const { trained, gradientWidth: width, gradientRanks: ranks } = of;
  const whole = Math.round((trained * width) / ranks);
  if (bytes >= whole) return times("trained", trained, bytes, ranks);
  const made = Math.floor((bytes * ranks) / width);
  const over = ranks > 1 ? " / {ranks}" : "";
  const rest = bytes - Math.round((made * width) / ranks);
  return {
    formula: `{made} gradients x {width} B${over}${rest === 0 ? "" : " + {rest} B"}`,
    inputs: { made, trained, width, ...(ranks > 1 ? { ranks } : {}), ...(rest === 0 ? {} : { rest }) },
  };
}

/** Buffers of each kind, whole elements in their width. */
export function partsText(parts: readonly BufferPart[], bytes: Bytes): Explained {
  const inputs: Record<string, number> = {};
  const texts: string[] = [];
  let said = 0;
  for (const { what, elements, width } of parts) {
    const whole = Math.floor(elements);
    if (whole === 0) continue;
    const name = what.replaceAll(/[^a-z]+/g, "_");
    inputs[name] = whole;
    inputs[`${name}_width`] = width;
    texts.push(`{${name}} x {${name}_width} B of ${what}`);
    said += whole * width;
  }
  const rest = bytes - said;
  if (rest !== 0) {
    inputs.rest = rest;
    texts.push("{rest} B");
  }
  return { formula: texts.join(" + "), inputs };
}
