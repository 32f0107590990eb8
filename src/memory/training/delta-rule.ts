/**
 * Gated DeltaNet (Qwen3-Next, Qwen3.5) and Kimi delta attention on the kernels that their classes run on a GPU: flash-linear-attention's
 * `ChunkGatedDeltaRuleFunction`, `ChunkKDAFunction` and `LayerNormGatedFunction` (`fla/ops/gated_delta_rule/chunk.py` 92396f25,
 * `fla/ops/kda/chunk.py` 0395eef1, `fla/modules/fused_norm_gate.py` 18cc5e82) and causal-conv1d's (17f4f2fe), all read.
 * Without them transformers falls back on plain operations in fp32, which keep far more and are not sized.
 */
import type { RecurrentMixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf, weightOf } from "./pass.ts";
import { allocated, fresh, hold, record, type Value } from "./tape.ts";

/** Tokens per chunk of the kernels. */
const CHUNK = 64;

/**
 * Per token and layer in bf16, with kd = key heads * dk, vd = value heads * dv and everything trained:
 *
 *     convolution's input 2(2kd + vd), normed q and k of every value head 2 * 2 nv dk, v 2vd, solved chunks 128 nv,
 *     z and the kernel's output 4vd, out_proj's input 2vd, gates in fp32 and deviations about 30 nv
 *
 * @example Qwen3-Next (nk 16, nv 32, dk = dv = 128): 2 * 8192 + 16,384 + 8192 + 4096 + 16,384 + 8192 + 832 = 70,464 B and 2h for x
 */
export function deltaRule(
  pass: Pass,
  x: Value,
  mixer: RecurrentMixer,
  tensors: readonly Tensor[],
): Value | null {
  const { tape } = pass;
  const parts = inputsOf(pass, x, mixer, tensors);
  const output = tensors.find((t) => t.role === "recurrent-out");
  if (parts === null || output === undefined) return null;
  const { heads, innerDim } = mixer;
  const keyDim = mixer.stateElements / innerDim;
  const perHead = tokensOf(pass) * heads;
  const mixed = parts.mixed.map(({ value, kernel }) => causalConvolution(pass, value, kernel));
  const keys =
    (parts.mixed.reduce((sum, { value }) => sum + value.elements, 0) - perHead * (innerDim / heads)) / 2;
  const [whole] = mixed;
  let [q, k, v] = (
    mixed.length === 3 ? mixed : op.split(tape, whole!, [keys, keys, perHead * (innerDim / heads)])
  ) as [Value, Value, Value];
  const strength = op.keepsOutput(tape, parts.strength);
  const decay = mixer.variant === "kda" ? parts.decay : decayOf(pass, parts.decay, tensors);
  // Every value head gets a copy of the queries and keys of its group.
  if (keys < perHead * keyDim) {
    q = op.copy(tape, q, perHead * keyDim);
    k = op.copy(tape, k, perHead * keyDim);
  }
  const mixedOut = chunkKernel(pass, { q, k, v, decay, strength }, mixer);
  const gated = gatedNorm(pass, mixedOut, parts.gate, tensors, perHead);
  const out = project(pass, gated, output, tensors);
  hold(tape, [x, ...parts.frame, ...mixed, q, k]);
  return out;
}

interface DeltaInputs {
  /** What the convolutions read: q, k and v together or one after the other. */
  readonly mixed: readonly { readonly value: Value; readonly kernel: Tensor }[];
  /** z. */
  readonly gate: Value;
  /** a, before softplus. */
  readonly decay: Value;
  /** b, before the sigmoid. */
  readonly strength: Value;
  /** Variables that live as long as the layer's forward does. */
  readonly frame: readonly Value[];
}

/** The input products, in the three ways that releases and families divide them. */
function inputsOf(
  pass: Pass,
  x: Value,
  mixer: RecurrentMixer,
  tensors: readonly Tensor[],
): DeltaInputs | null {
  const { tape } = pass;
  const kernels = tensors.filter((t) => t.kind === "conv");
  const [kernel] = kernels;
  if (kernel === undefined) return null;
  const found = (name: string): Tensor | undefined =>
    tensors.find((t) => t.kind === "linear" && t.name.endsWith(`.${name}.weight`));
  const into = (name: string): Value | null => {
    const weight = found(name);
    return weight === undefined ? null : project(pass, x, weight, tensors);
  };
  const tokens = tokensOf(pass);
  const values = tokens * mixer.innerDim;
  const perHead = tokens * mixer.heads;
  const both = into("in_proj_qkvz");
  const pair = into("in_proj_ba");
  if (both !== null && pair !== null) {
    // `fix_query_key_value_ordering`: parts of interleaved groups are copied out of the product.
    const keys = (both.elements - 2 * values) / 2;
    const [q, k, v, z] = op.split(tape, both, [keys, keys, values, values]) as [Value, Value, Value, Value];
    const [b, a] = op.split(tape, pair, [perHead, perHead]) as [Value, Value];
    const [value, gate] = [op.copy(tape, v), op.copy(tape, z)];
    const [strength, decay] = [op.copy(tape, b), op.copy(tape, a)];
    const mixed = op.concat(tape, [op.copy(tape, q), op.copy(tape, k), value]);
    return { mixed: [{ value: mixed, kernel }], gate, decay, strength, frame: [both, pair] };
  }
  const q = into("q_proj");
  if (q !== null) {
    const [k, v] = [into("k_proj"), into("v_proj")];
    const twice = (first: string, second: string): Value | null => {
      const [weight, narrow] = [found(second), into(first)];
      return weight === undefined || narrow === null ? null : project(pass, narrow, weight, tensors);
    };
    const decay = into("a_proj") ?? twice("f_a_proj", "f_b_proj");
    const strength = into("b_proj");
    const gate = into("g_proj") ?? twice("g_a_proj", "g_b_proj");
    if (k === null || v === null || decay === null || strength === null || gate === null) return null;
    const [forK, forV] = [kernels[1], kernels[2]];
    const mixed =
      forK === undefined || forV === undefined
        ? [{ value: op.concat(tape, [q, k, v]), kernel }]
        : [
            { value: q, kernel },
            { value: k, kernel: forK },
            { value: v, kernel: forV },
          ];
    return { mixed, gate, decay, strength, frame: [] };
  }
  const mixed = into("in_proj_qkv");
  const gate = into("in_proj_z");
  const strength = into("in_proj_b");
  const decay = into("in_proj_a");
  if (mixed === null || gate === null || strength === null || decay === null) return null;
  return { mixed: [{ value: mixed, kernel }], gate, decay, strength, frame: [] };
}

/** causal-conv1d with its silu in one kernel: the input is kept. */
export function causalConvolution(pass: Pass, x: Value, kernel: Tensor): Value {
  const held = weightOf(pass, kernel);
  const value = fresh(pass.tape, { elements: x.elements, width: x.width, grad: x.grad || held.trainable });
  record(pass.tape, {
    inputs: [x],
    outputs: [value],
    saved: [x],
    weightGradients: held.trainable ? allocated(held.elements * held.width) : 0,
  });
  return value;
}

/** g = -exp(A_log) * softplus(a + dt_bias) in fp32. */
function decayOf(pass: Pass, a: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const vectors = tensors.filter((t) => /\.(A_log|dt_bias)$/.test(t.name));
  const trainable = vectors.some((t) => pass.holding.trainable(t));
  const rate = fresh(tape, { elements: vectors[0]?.shape[0] ?? 1, width: 4, grad: trainable });
  record(tape, {
    inputs: [],
    outputs: [rate],
    weightGradients: vectors.reduce((sum, t) => {
      const { elements, width, trainable: trains } = weightOf(pass, t);
      return sum + (trains ? allocated(elements * width) : 0);
    }, 0),
  });
  return op.multiply(tape, rate, op.keepsInput(tape, op.scale(tape, op.cast(tape, a, 4))));
}

interface KernelInputs {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly decay: Value;
  readonly strength: Value;
}

/**
 * The chunked delta rule: what it keeps is normed q and k with their deviations, v made contiguous, the summed decay and
 * the solved 64 x 64 chunks. States of every chunk are made again in backward. With K, V and H the bytes of a key, of a
 * value and of a chunk's state per token, forward lives on K + 2V + H beside them and backward on 3K + 3V + 2H beside the gradients.
 */
function chunkKernel(
  pass: Pass,
  of: KernelInputs,
  { heads, innerDim, variant, stateElements }: RecurrentMixer,
): Value {
  const { tape } = pass;
  const { q, k, v, decay, strength } = of;
  const perHead = tokensOf(pass) * heads;
  const keyDim = stateElements / innerDim;
  const grad = [q, k, v, decay, strength].some((value) => value.grad);
  const inner = (elements: number, width: 2 | 4): Value => fresh(tape, { elements, width, grad: false });
  const kept = [inner(perHead * keyDim, 2), inner(perHead, 4), inner(perHead * keyDim, 2), inner(perHead, 4)];
  // A part of a wider product is copied.
  const whole = v.storage.bytes <= allocated(v.elements * v.width);
  if (!whole) kept.push(inner(v.elements, 2));
  kept.push(inner(perHead * CHUNK, 2));
  const kda = variant === "kda";
  // KDA keeps its gate as it came and both products of a chunk, and makes the rest again.
  if (kda) kept.push(inner(perHead * CHUNK, 2));
  else kept.push(inner(perHead, 4));
  const value = fresh(tape, { elements: v.elements, width: 2, grad });
  const key = 2 * perHead * keyDim;
  const one = 2 * v.elements;
  const states = (key * (innerDim / heads)) / CHUNK;
  record(tape, {
    inputs: [q, k, v, decay, strength],
    outputs: [value, ...kept],
    saved: [...kept, strength, kda ? decay : undefined, whole ? v : undefined],
    forwardScratch: key + 2 * one + states + (kda ? 4 * key : 0),
    backwardScratch: 3 * key + 3 * one + 2 * states + (kda ? 6 * key : 0),
  });
  return value;
}

/** RMSNorm over each head times silu(z) in one kernel: both inputs and a deviation per row are kept. */
function gatedNorm(pass: Pass, x: Value, gate: Value, tensors: readonly Tensor[], rows: number): Value {
  const { tape } = pass;
  const weight = tensors.find((t) => t.kind === "norm" && /\.(o_)?norm\.weight$/.test(t.name));
  const held = weight === undefined ? undefined : weightOf(pass, weight);
  const trainable = held?.trainable === true;
  const value = fresh(tape, { elements: x.elements, width: x.width, grad: x.grad || gate.grad || trainable });
  const deviation = fresh(tape, { elements: rows, width: 4, grad: false });
  record(tape, {
    inputs: [x, gate],
    outputs: [value, deviation],
    saved: [x, gate, deviation],
    weightGradients: held !== undefined && trainable ? allocated(held.elements * held.width) : 0,
  });
  return value;
}
