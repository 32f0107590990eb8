import type { Architecture, Tensor } from "../architecture/model.ts";
import { tensorElements } from "../architecture/parameters.ts";
import type { Term } from "../memory/term.ts";
import { onceForEach } from "../remember.ts";
import type { Bytes } from "../units.ts";

const MIB = 2 ** 20;
const SMALL_UNIT = 512;
const LARGE_FROM = 10 * MIB;
const LARGE_UNIT = 2 * MIB;

/**
 * What PyTorch's caching allocator counts as allocated for one tensor: rounded up to 512 B; from 10 MiB on
 * its segment is a multiple of 2 MiB, and a rest of up to 1 MiB is not split off but goes with the tensor.
 * Source: torch `c10/cuda/CUDACachingAllocator.cpp`.
 *
 * @example allocatedBytes(259 * 2 ** 20) // 272_629_760 = 260 MiB; 24.5 MiB stay 24.5, because 1.5 are split off
 */
export function allocatedBytes(bytes: Bytes): Bytes {
  const rounded = Math.ceil(bytes / SMALL_UNIT) * SMALL_UNIT;
  if (rounded < LARGE_FROM) return rounded;
  const segment = Math.ceil(rounded / LARGE_UNIT) * LARGE_UNIT;
  return segment - rounded > MIB ? rounded : segment;
}

/** What weights take beyond their bytes, from nothing to twice as much. */
export const roundingTerm = (rounding: Bytes, of: string): Term => ({
  id: "allocator",
  bytes: rounding,
  low: 0,
  high: rounding * 2,
  basis: "modelled",
  formula: `{rounding} B ${of}`,
  inputs: { rounding },
});

/** Roles that serving engines load into one tensor. */
const FUSED: { readonly [role: string]: string } = {
  "attn-q": "qkv",
  "attn-k": "qkv",
  "attn-v": "qkv",
  "mlp-gate": "gate-up",
  "mlp-up": "gate-up",
};

/** Bytes of the tensors that a layer's become when an engine loads it: one of q, k and v, of gate and up, of all experts. */
export function loadedSizes(tensors: readonly Tensor[], bytesEach: number): Iterable<Bytes> {
  const sizes = new Map<string, Bytes>();
  for (const tensor of tensors) {
    const name = `${tensor.group} ${FUSED[tensor.role] ?? tensor.name}`;
    const bytes = tensorElements(tensor) * tensor.copies * bytesEach;
    sizes.set(name, (sizes.get(name) ?? 0) + bytes);
  }
  return sizes.values();
}

/**
 * Bytes that rounding adds to the weights when q, k and v, gate and up, and all experts of a layer lie in
 * one tensor each, as vLLM and SGLang load them.
 *
 *     sum over layers and tensors of allocated(tensor) - tensor
 *
 * Reading: vLLM shows 14.25 GiB for Qwen2.5-7B, 14.19 GiB of weights and 28 layers x 2 MiB; Phi-4 27.39 for
 * 27.31 and 40 x 2 MiB; Llama-3.1-8B, whose tensors are even, no difference.
 *
 * @example weightRounding(phi_4, 2) // 83_886_080 = 40 layers x (1 MiB of qkv + 1 MiB of down)
 */
export function weightRounding(model: Architecture, bytesEach: number): Bytes {
  return roundingOf(model, bytesEach);
}

const roundingOf = onceForEach((model: Architecture, bytesEach: number): Bytes => {
  let rounding = extraOf(model.tensors, bytesEach);
  for (const stack of model.stacks) {
    if (stack.role === "mtp") continue;
    stack.kinds.forEach((kind, index) => {
      rounding += stack.counts[index]! * extraOf(kind.tensors, bytesEach);
    });
  }
  return rounding;
});

function extraOf(tensors: readonly Tensor[], bytesEach: number): Bytes {
  const matrices = tensors.filter(
    ({ kind }) => kind === "linear" || kind === "expert" || kind === "embedding",
  );
  let extra = 0;
  for (const bytes of loadedSizes(matrices, bytesEach)) extra += allocatedBytes(bytes) - bytes;
  return extra;
}
