import type { Mixer, RecurrentMixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { deltaRule } from "./delta-rule.ts";
import { project } from "./linear.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf, weightOf } from "./pass.ts";
import { mamba, mamba2 } from "./state-space.ts";
import { allocated, fresh, record, type Value } from "./tape.ts";

interface Kernels {
  /** Null where a layer has not the tensors that the kernels take. */
  readonly run: (pass: Pass, x: Value, mixer: RecurrentMixer, tensors: readonly Tensor[]) => Value | null;
  /** Whether their Python was also run under the class and its peaks compared. */
  readonly compared: boolean;
}

/** Kernels that were read. */
const KERNELS: { readonly [variant: string]: Kernels } = {
  "gated-delta": { run: deltaRule, compared: true },
  kda: { run: deltaRule, compared: true },
  mamba: { run: mamba, compared: false },
  mamba2: { run: mamba2, compared: false },
};

const kernelsOf = ({ variant }: RecurrentMixer): Kernels | undefined =>
  Object.hasOwn(KERNELS, variant) ? KERNELS[variant] : undefined;

/** Whether what a mixer's kernels keep is a guess from its tensors. */
export const isUnread = (mixer: Mixer): boolean =>
  mixer.kind === "compressed" || (mixer.kind === "recurrent" && kernelsOf(mixer) === undefined);

/** Whether a mixer runs kernels that were read but never run beside the estimate. */
export const isUnmeasured = (mixer: Mixer): boolean =>
  mixer.kind === "recurrent" && kernelsOf(mixer)?.compared === false;

/** A mixer with a state of its own. */
export function recurrent(pass: Pass, x: Value, mixer: RecurrentMixer, tensors: readonly Tensor[]): Value {
  return kernelsOf(mixer)?.run(pass, x, mixer, tensors) ?? unreadMixer(pass, x, tensors);
}

/**
 * Mixers whose kernels were not read, as far as their tensors tell: every projection, an activation on its result, and a gate before
 * the output projection. Terms that contain such a layer are `assumed`.
 */
export function unreadMixer(pass: Pass, x: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const linears = tensors.filter((t) => t.kind === "linear" && t.group !== "mlp" && t.shape.length === 2);
  const output = linears.find((t) => t.role === "recurrent-out" || t.role === "attn-o");
  let widest: Value = x;
  for (const weight of linears) {
    if (weight === output || weight.shape[1] !== x.elements / tokensOf(pass)) continue;
    const value = op.keepsInput(tape, project(pass, x, weight, tensors));
    if (value.elements > widest.elements) widest = value;
  }
  if (output === undefined) return x;
  const inner = { ...op.keepsInput(tape, widest), elements: tokensOf(pass) * output.shape[1]! };
  return project(pass, inner, output, tensors);
}

/**
 * LFM2's short convolution: one product for B, C and x, then C * conv(B * x). Kept in bf16 per token of h: 6h of the product,
 * B * x and the convolution's result 2h each, and the output product's input 2h. The result is made a kernel longer and cut.
 */
export function shortConvolution(pass: Pass, x: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const of = (role: Tensor["role"]): Tensor | undefined => tensors.find((t) => t.role === role);
  const entry = of("recurrent-in");
  const output = of("recurrent-out");
  const kernel = tensors.find((t) => t.kind === "conv");
  if (entry === undefined || output === undefined || kernel === undefined)
    return unreadMixer(pass, x, tensors);
  const all = project(pass, x, entry, tensors);
  const part = all.elements / 3;
  const [b, c, inner] = op.split(tape, all, [part, part, part]) as [Value, Value, Value];
  const entering = op.multiply(tape, b, inner);
  const held = weightOf(pass, kernel);
  const longer = 1 + (kernel.shape[kernel.shape.length - 1]! - 1) / pass.seqTokens;
  const whole = fresh(tape, { elements: part * longer, width: entering.width, grad: true });
  record(tape, {
    inputs: [entering],
    outputs: [whole],
    saved: [entering],
    weightGradients: held.trainable ? allocated(held.elements * held.width) : 0,
  });
  const convolved: Value = { ...op.view(tape, whole), elements: part };
  const mixed = op.copy(tape, op.multiply(tape, c, convolved));
  return project(pass, mixed, output, tensors);
}
