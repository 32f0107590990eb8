import type { AttentionMixer, Mixer } from "../../architecture/mixers/mixer.ts";
import type { LayerKind, Tensor } from "../../architecture/model.ts";
import { attention } from "./attention.ts";
import { experts } from "./experts.ts";
import { feedForward } from "./feed-forward.ts";
import { latentAttention } from "./latent-attention.ts";
import { norm, normTensors } from "./norm.ts";
import * as op from "./operations.ts";
import type { Pass } from "./pass.ts";
import { addPerLayerInput } from "./per-layer-input.ts";
import { recurrent, shortConvolution, unreadMixer } from "./recurrent.ts";
import { hold, under, type Value } from "./tape.ts";

/** The norms of a layer in the order in which it runs them. */
interface LayerNorms {
  readonly beforeMixer?: Tensor;
  readonly beforeCross?: Tensor;
  readonly afterMixer?: Tensor;
  readonly beforeFeed?: Tensor;
  readonly afterFeed?: Tensor;
}

/** Attention to an encoder's output, which a layer runs after its own. */
export const isCross = (mixer: Mixer): mixer is AttentionMixer =>
  mixer.kind === "attention" && mixer.cache === "cross";

/** Writes one layer onto the tape, from the residual stream to the residual stream. */
export function layer(pass: Pass, x: Value, kind: LayerKind, hiddenSize: number): Value {
  const { tape, code } = pass;
  const norms = normsOf(pass, kind, hiddenSize);
  const cross = kind.mixers.length > 1 ? kind.mixers.find(isCross) : undefined;
  const normed = (value: Value, weight: Tensor | undefined): Value =>
    weight === undefined && pass.code.norm !== "layer-wide"
      ? value
      : under(tape, "norm", () => norm(pass, value, weight, hiddenSize, normTensors(weight, kind.tensors)));
  const dropped = (value: Value, from: "attention" | "feed-forward"): Value =>
    code.undropped === from ? value : op.dropout(tape, value, pass.facts.residualDropout);

  if (code.normedSums) {
    // `BertSelfOutput` and `BertOutput` name what they add while they add and norm it.
    const joined = (before: Value, sublayer: Value, weights: Tensor | undefined): Value => {
      const sum = normed(op.add(tape, before, sublayer), weights);
      hold(tape, [sublayer]);
      return sum;
    };
    const mixed = under(tape, "attention", () => dropped(mix(pass, x, kind), "attention"));
    let middle = joined(x, mixed, norms.beforeMixer);
    if (cross !== undefined) {
      const read = under(tape, "attention", () => dropped(attendTo(pass, middle, cross, kind), "attention"));
      middle = joined(middle, read, norms.beforeCross);
    }
    const fed = under(tape, "feed-forward", () => dropped(feed(pass, middle, kind), "feed-forward"));
    return joined(middle, fed, norms.beforeFeed);
  }
  const mixerInput = norms.beforeMixer === undefined && code.postNorm ? x : normed(x, norms.beforeMixer);
  let mixed = under(tape, "attention", () => mix(pass, mixerInput, kind));
  if (norms.afterMixer !== undefined) mixed = normed(mixed, norms.afterMixer);
  mixed = under(tape, "attention", () => dropped(mixed, "attention"));
  if (code.parallel) {
    const feedInput = norms.beforeFeed === undefined ? mixerInput : normed(x, norms.beforeFeed);
    const fed = under(tape, "feed-forward", () => dropped(feed(pass, feedInput, kind), "feed-forward"));
    return op.add(tape, op.add(tape, mixed, fed), x);
  }
  let middle = kind.mixers.length === 0 ? x : op.add(tape, x, mixed);
  if (cross !== undefined) {
    const asking = normed(middle, norms.beforeCross);
    const read = under(tape, "attention", () => dropped(attendTo(pass, asking, cross, kind), "attention"));
    middle = op.add(tape, middle, read);
  }
  if (kind.feedForward.kind === "none") return middle;
  const feedInput =
    norms.beforeFeed === undefined && code.postNorm ? middle : normed(middle, norms.beforeFeed);
  let fed = under(tape, "feed-forward", () => feed(pass, feedInput, kind, middle));
  if (norms.afterFeed !== undefined) fed = normed(fed, norms.afterFeed);
  fed = under(tape, "feed-forward", () => dropped(fed, "feed-forward"));
  const sum = under(tape, "feed-forward", () =>
    addPerLayerInput(pass, op.add(tape, middle, fed), kind.tensors),
  );
  return kind.tensors.some((t) => t.name.endsWith("layer_scalar")) ? op.scale(tape, sum) : sum;
}

/** Norm weights as wide as the residual stream, told apart by how many there are and by their names. */
function normsOf(pass: Pass, { mixers, tensors }: LayerKind, hiddenSize: number): LayerNorms {
  const found = tensors.filter(
    (t) =>
      t.kind === "norm" &&
      t.shape[0] === hiddenSize &&
      !/(^|[._])(q|k|query|key)_?(layer)?norm|sub_norm|(mamba|mixer)\.norm|layernorm_[12]\.|per_layer_input_norm/.test(
        t.name,
      ),
  );
  const [first, second, third, fourth] = found;
  if (pass.code.postNorm) return { ...pick("afterMixer", first), ...pick("afterFeed", second) };
  // A block of one part (Nemotron-H).
  if (mixers.length === 0) return pick("beforeFeed", first);
  if (fourth !== undefined)
    return {
      ...pick("beforeMixer", first),
      ...pick("afterMixer", second),
      ...pick("beforeFeed", third),
      ...pick("afterFeed", fourth),
    };
  if (mixers.length > 1 && mixers.some(isCross))
    return { ...pick("beforeMixer", first), ...pick("beforeCross", second), ...pick("beforeFeed", third) };
  return { ...pick("beforeMixer", first), ...pick("beforeFeed", second) };
}

function pick(name: keyof LayerNorms, tensor: Tensor | undefined): Partial<LayerNorms> {
  return tensor === undefined ? {} : { [name]: tensor };
}

function mix(pass: Pass, x: Value, kind: LayerKind): Value {
  let sum: Value | null = null;
  const alone = kind.mixers.length === 1;
  for (const mixer of kind.mixers) {
    if (!alone && isCross(mixer)) continue;
    const out = mixOne(pass, x, mixer, kind.tensors);
    sum = sum === null ? out : op.add(pass.tape, sum, out);
  }
  return sum ?? x;
}

/** Cross-attention with the second set of a layer's attention weights. */
function attendTo(pass: Pass, x: Value, mixer: AttentionMixer, { tensors }: LayerKind): Value {
  const module = (t: Tensor): string => t.name.slice(0, t.name.lastIndexOf(".", t.name.lastIndexOf(".") - 1));
  const queries = tensors.filter((t) => t.role === "attn-q" && t.kind === "linear");
  const own = queries[1] === undefined ? "" : `${module(queries[1])}.`;
  return attention(
    pass,
    x,
    mixer,
    tensors.filter((t) => t.name.startsWith(own)),
  );
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
      return unreadMixer(pass, x, tensors);
    case "recurrent":
      return recurrent(pass, x, mixer, tensors);
  }
}

/** The feed-forward of x, the normed residual stream; `stream` is that stream itself. */
function feed(pass: Pass, x: Value, kind: LayerKind, stream: Value = x): Value {
  const { feedForward: spec, tensors } = kind;
  switch (spec.kind) {
    case "none":
      return x;
    case "dense":
      return feedForward(pass, x, { activation: spec.activation, tensors, group: "mlp" });
    case "experts": {
      const dense = (): Value => feedForward(pass, x, { activation: spec.activation, tensors, group: "mlp" });
      if (spec.denseWidth === undefined) return experts(pass, { x, routing: x }, spec, tensors);
      const branch = (name: string, value: Value): Value => {
        const weight = tensors.find((t) => t.name.endsWith(`${name}.weight`));
        return weight === undefined ? value : norm(pass, value, weight, weight.shape[0]!);
      };
      if (!tensors.some((t) => t.name.includes("layernorm_1")))
        return op.add(pass.tape, experts(pass, { x, routing: x }, spec, tensors), dense());
      // Gemma 4: experts read the residual stream through a norm of their own, and each branch is normed before the sum.
      const first = branch("post_feedforward_layernorm_1", dense());
      const own = branch("pre_feedforward_layernorm_2", stream);
      const routed = experts(pass, { x: own, routing: stream }, spec, tensors);
      return op.add(pass.tape, first, branch("post_feedforward_layernorm_2", routed));
    }
  }
}
