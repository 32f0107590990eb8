import type { AttentionMixer, LayerKind, Mixer, Tensor } from "../../architecture/model.ts";
import { attention } from "./attention.ts";
import { experts } from "./experts.ts";
import { feedForward } from "./feed-forward.ts";
import { latentAttention } from "./latent-attention.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import type { Pass } from "./pass.ts";
import { recurrent, shortConvolution } from "./recurrent.ts";
import { hold, under, type Value } from "./tape.ts";

/** The norms of a layer in the order in which it runs them. */
interface LayerNorms {
  readonly beforeMixer?: Tensor;
  readonly afterMixer?: Tensor;
  readonly beforeFeed?: Tensor;
  readonly afterFeed?: Tensor;
}

/** Writes one layer onto the tape, from the residual stream to the residual stream. */
export function layer(pass: Pass, x: Value, kind: LayerKind, hiddenSize: number): Value {
  const { tape, code } = pass;
  const norms = normsOf(pass, kind.tensors, hiddenSize);
  const normed = (value: Value, weight: Tensor | undefined): Value =>
    weight === undefined && pass.code.norm !== "layer-wide"
      ? value
      : under(tape, "norm", () =>
          norm(pass, value, weight, hiddenSize, biased(weight, kind.tensors) ? 2 : 1),
        );
  const dropped = (value: Value): Value => op.dropout(tape, value, pass.facts.residualDropout);

  if (code.normedSums) {
    // `BertSelfOutput` and `BertOutput` name what they add while they add and norm it.
    const joined = (before: Value, sublayer: Value, weights: Tensor | undefined): Value => {
      const sum = normed(op.add(tape, before, sublayer), weights);
      hold(tape, [sublayer]);
      return sum;
    };
    const mixed = under(tape, "attention", () => dropped(mix(pass, x, kind)));
    const middle = joined(x, mixed, norms.beforeMixer);
    const fed = under(tape, "feed-forward", () => dropped(feed(pass, middle, kind)));
    return joined(middle, fed, norms.beforeFeed);
  }
  const mixerInput = norms.beforeMixer === undefined && code.postNorm ? x : normed(x, norms.beforeMixer);
  let mixed = under(tape, "attention", () => mix(pass, mixerInput, kind));
  if (norms.afterMixer !== undefined) mixed = normed(mixed, norms.afterMixer);
  mixed = under(tape, "attention", () => dropped(mixed));
  if (code.parallel) {
    const feedInput = norms.beforeFeed === undefined ? mixerInput : normed(x, norms.beforeFeed);
    const fed = under(tape, "feed-forward", () => dropped(feed(pass, feedInput, kind)));
    return op.add(tape, op.add(tape, mixed, fed), x);
  }
  const middle = kind.mixers.length === 0 ? x : op.add(tape, x, mixed);
  if (kind.feedForward.kind === "none") return middle;
  const feedInput =
    norms.beforeFeed === undefined && code.postNorm ? middle : normed(middle, norms.beforeFeed);
  let fed = under(tape, "feed-forward", () => feed(pass, feedInput, kind));
  if (norms.afterFeed !== undefined) fed = normed(fed, norms.afterFeed);
  fed = under(tape, "feed-forward", () => dropped(fed));
  return op.add(tape, middle, fed);
}

/** Norm weights as wide as the residual stream, told apart by how many there are and by their names. */
function normsOf(pass: Pass, tensors: readonly Tensor[], hiddenSize: number): LayerNorms {
  const found = tensors.filter(
    (t) =>
      t.kind === "norm" &&
      t.shape[0] === hiddenSize &&
      !/(^|[._])(q|k|query|key)_?(layer)?norm|sub_norm/.test(t.name),
  );
  const [first, second, third, fourth] = found;
  if (pass.code.postNorm) return { ...pick("afterMixer", first), ...pick("afterFeed", second) };
  if (fourth !== undefined)
    return {
      ...pick("beforeMixer", first),
      ...pick("afterMixer", second),
      ...pick("beforeFeed", third),
      ...pick("afterFeed", fourth),
    };
  return { ...pick("beforeMixer", first), ...pick("beforeFeed", second) };
}

function pick(name: keyof LayerNorms, tensor: Tensor | undefined): Partial<LayerNorms> {
  return tensor === undefined ? {} : { [name]: tensor };
}

const biased = (weight: Tensor | undefined, tensors: readonly Tensor[]): boolean =>
  weight !== undefined && tensors.some((t) => t.name === weight.name.replace(/weight$/, "bias"));

function mix(pass: Pass, x: Value, kind: LayerKind): Value {
  let sum: Value | null = null;
  for (const mixer of kind.mixers) {
    const out = mixOne(pass, x, mixer, kind.tensors);
    sum = sum === null ? out : op.add(pass.tape, sum, out);
  }
  return sum ?? x;
}

function mixOne(pass: Pass, x: Value, mixer: Mixer, tensors: readonly Tensor[]): Value {
  switch (mixer.kind) {
    case "attention":
      return attention(pass, x, mixer satisfies AttentionMixer, tensors);
    case "latent":
      return latentAttention(pass, x, mixer, tensors);
    case "conv":
      return shortConvolution(pass, x, tensors);
    case "compressed":
    case "recurrent":
      return recurrent(pass, x, tensors);
  }
}

function feed(pass: Pass, x: Value, kind: LayerKind): Value {
  const { feedForward: spec, tensors } = kind;
  switch (spec.kind) {
    case "none":
      return x;
    case "dense":
      return feedForward(pass, x, { activation: spec.activation, tensors, group: "mlp" });
    case "experts": {
      const routed = experts(pass, x, spec, tensors);
      if (spec.denseWidth === undefined) return routed;
      const dense = feedForward(pass, x, { activation: spec.activation, tensors, group: "mlp" });
      return op.add(pass.tape, routed, dense);
    }
  }
}
