/**
 * Gated DeltaNet (Qwen3-Next, Qwen3.5) and Kimi delta attention as transformers 5.18 writes them, on the kernels that it finds on a GPU:
 * flash-linear-attention's `ChunkGatedDeltaRuleFunction` and `ChunkKDAFunction` (0.5.2, `fla/ops/gated_delta_rule/chunk.py`,
 * `fla/ops/kda/chunk.py`) and causal-conv1d's (17f4f2fe).
 * Without them transformers falls back on plain operations in fp32, which keep far more and are not sized.
 */
import type { RecurrentMixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import { causalConvolution } from "./causal-convolution.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf, weightOf } from "./pass.ts";
import { allocated, fresh, hold, record, type Value } from "./tape.ts";

/** Tokens per chunk of the kernels. */
const CHUNK = 64;

/**
 * Per token and layer in bf16, with kd = key heads * dk, vd = value heads * dv and everything trained:
 *
 *     convolution's input 2(2kd + vd), normed q and k of every value head 2 * 2 nv dk, v 2vd, solved chunks 128 nv,
 *     the gated norm in fp32 16vd, out_proj's input 2vd, gates in fp32 and deviations 26 nv;
 *     KDA decays every channel of a key: 17kd for that gate and 4kd for its sums instead of 12 nv, and 128 nv for a second product
 *
 * @example Qwen3-Next (nk 16, nv 32, dk = dv = 128): 16,384 + 16,384 + 8192 + 4096 + 65,536 + 8192 + 832 = 119,616 B and 2h for x
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
  const mixed = causalConvolution(pass, parts.mixed, parts.kernels);
  const values = perHead * (innerDim / heads);
  const keys = (parts.mixed.elements - values) / 2;
  let [q, k, v] = op.split(tape, mixed, [keys, keys, values]) as [Value, Value, Value];
  const strength = op.keepsOutput(tape, parts.strength);
  const decay =
    mixer.variant === "kda"
      ? channelDecayOf(pass, parts.decay, tensors)
      : decayOf(pass, parts.decay, tensors);
  // Every value head gets a copy of the queries and keys of its group.
  if (keys < perHead * keyDim) {
    q = op.copy(tape, q, perHead * keyDim);
    k = op.copy(tape, k, perHead * keyDim);
  }
  const mixedOut = chunkKernel(pass, { q, k, v, decay, strength }, mixer);
  const gated = gatedNorm(pass, mixedOut, parts.gate, tensors, mixer);
  const out = project(pass, gated, output, tensors);
  hold(tape, [x, ...parts.frame, mixed, q, k]);
  return out;
}

interface DeltaInputs {
  /** What the convolution reads: q, k and v. */
  readonly mixed: Value;
  /** Its weight, which checkpoints may keep as one for each of the three. */
  readonly kernels: readonly Tensor[];
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
  if (kernels.length === 0) return null;
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
    return { mixed, kernels, gate, decay, strength, frame: [both, pair] };
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
    return { mixed: op.concat(tape, [q, k, v]), kernels, gate, decay, strength, frame: [] };
  }
  const mixed = into("in_proj_qkv");
  const gate = into("in_proj_z");
  const strength = into("in_proj_b");
  const decay = into("in_proj_a");
  if (mixed === null || gate === null || strength === null || decay === null) return null;
  return { mixed, kernels, gate, decay, strength, frame: [] };
}

/** g = -exp(A_log) * softplus(a + dt_bias) in fp32, one per head. */
function decayOf(pass: Pass, a: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const rate = decayRate(pass, tensors);
  return op.multiply(tape, rate, op.keepsInput(tape, op.scale(tape, op.cast(tape, a, 4))));
}

/** The same for every channel of a key, with softplus as where(g > 20, g, log(1 + exp(g))): exp(g), 1 + exp(g), the condition and the softplus are kept. */
function channelDecayOf(pass: Pass, a: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const rate = decayRate(pass, tensors);
  const g = op.scale(tape, op.cast(tape, a, 4));
  const large = fresh(tape, { elements: g.elements, width: 1, grad: false });
  record(tape, { inputs: [g], outputs: [large] });
  const logarithm = op.keepsInput(tape, op.scale(tape, op.keepsOutput(tape, g)));
  const softplus = fresh(tape, { elements: g.elements, width: 4, grad: g.grad });
  record(tape, { inputs: [g, logarithm], outputs: [softplus], saved: [large] });
  const decay = op.multiply(tape, rate, softplus);
  hold(tape, [g, softplus]);
  return decay;
}

function decayRate(pass: Pass, tensors: readonly Tensor[]): Value {
  const vectors = tensors.filter((t) => /\.(A_log|dt_bias)$/.test(t.name));
  const trainable = vectors.some((t) => pass.holding.trainable(t));
  const logarithm = vectors.find((t) => t.name.endsWith("A_log"));
  const elements = logarithm === undefined ? 1 : tensorElements(logarithm);
  const rate = fresh(pass.tape, { elements, width: 4, grad: trainable });
  record(pass.tape, {
    inputs: [],
    outputs: [rate],
    weightGradients: vectors.reduce((sum, t) => {
      const { elements, width, trainable: trains } = weightOf(pass, t);
      return sum + (trains ? allocated(elements * width) : 0);
    }, 0),
  });
  return rate;
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
 * the solved 64 x 64 chunks, KDA also its gate and the products of a chunk. States of every chunk are made again in backward.
 * With K, V, C and H the bytes of keys, values, chunks and states in bf16, forward lives on K + 2V + H beside them and backward on
 * 3K + 3V + 2H beside the gradients; KDA on 2K + 2V + H, and with fp32 gradients of queries, keys and gate and two copies of each on 11K + 2V + 2H + 4C.
 */
function chunkKernel(
  pass: Pass,
  of: KernelInputs,
  { heads, innerDim, variant, stateElements }: RecurrentMixer,
): Value {
  const { tape } = pass;
  const { q, k, v, decay, strength } = of;
  const kda = variant === "kda";
  const perHead = tokensOf(pass) * heads;
  const keyDim = stateElements / innerDim;
  const grad = [q, k, v, decay, strength].some((value) => value.grad);
  const inner = (elements: number, width: 2 | 4): Value => fresh(tape, { elements, width, grad: false });
  const kept = [inner(perHead * keyDim, 2), inner(perHead, 4), inner(perHead * keyDim, 2), inner(perHead, 4)];
  // A part of a wider product is copied.
  const isPart = (value: Value): boolean => value.storage.bytes > allocated(value.elements * value.width);
  if (isPart(v)) kept.push(inner(v.elements, 2));
  kept.push(inner(perHead * CHUNK, 2));
  if (kda) kept.push(inner(perHead * CHUNK, 2));
  kept.push(inner(decay.elements, 4));
  const value = fresh(tape, { elements: v.elements, width: 2, grad });
  const key = 2 * perHead * keyDim;
  const one = 2 * v.elements;
  const chunk = 2 * perHead * CHUNK;
  const states = (key * (innerDim / heads)) / CHUNK;
  const copied = [q, k].filter(isPart).length * key;
  record(tape, {
    inputs: [q, k, v, decay, strength],
    outputs: [value, ...kept],
    saved: [...kept, strength, kda ? decay : undefined, isPart(v) ? undefined : v],
    forwardScratch: copied + (kda ? 2 : 1) * key + 2 * one + states,
    backwardScratch: kda ? 11 * key + 2 * one + 2 * states + 4 * chunk : 3 * key + 3 * one + 2 * states,
  });
  return value;
}

/**
 * RMSNorm over each head times silu(z) or, in Kimi's class, sigmoid(z), by hand in fp32 whatever kernels the other norms run
 * (`Qwen3NextRMSNormGated`, `KimiLinearRMSNormGated`). Both keep 16 B an element: fp32 x, then 2 for the normed x, 2 for it weighted
 * and fp32 for z and silu(z), or fp32 for the normed x, for it weighted and for sigmoid(z).
 */
function gatedNorm(
  pass: Pass,
  x: Value,
  gate: Value,
  tensors: readonly Tensor[],
  { variant }: RecurrentMixer,
): Value {
  const { tape } = pass;
  const weight = tensors.find((t) => t.kind === "norm" && /\.(o_)?norm\.weight$/.test(t.name));
  const dim = weight?.shape[0] ?? 1;
  const wideGate = op.cast(tape, gate, 4);
  const code = { ...pass.code, norm: variant === "kda" ? "rms-cast-weight" : "rms" } as const;
  const byHand: Pass = { ...pass, code, kernels: { ...pass.kernels, fusedNorm: false } };
  if (variant === "kda") {
    const normed = norm(byHand, op.cast(tape, x, 4), weight, dim);
    return op.cast(tape, op.multiply(tape, normed, op.keepsOutput(tape, wideGate)), x.width);
  }
  const normed = norm(byHand, x, weight, dim);
  return op.cast(tape, op.multiply(tape, normed, op.keepsInput(tape, wideGate)), x.width);
}
