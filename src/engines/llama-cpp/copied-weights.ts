import type { Architecture, Tensor } from "../../architecture/model.ts";
import { countParameters } from "../../architecture/parameters.ts";
import { dividedLayers, dividedStack, sliceLayers } from "../../parallelism/layer-range.ts";
import { walkScheme } from "../../quantization/assignment.ts";
import type { WeightStorage } from "../../quantization/storage.ts";
import { onceFor, onceForEach } from "../../remember.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { PlacedLayers } from "./placement.ts";

/** Stored sizes by what a matrix is in its layer. */
export type SizesByRole = ReadonlyMap<Tensor["role"], Bytes>;

/** Weights in host memory that the first GPU multiplies with, at their stored size: the largest of each kind. */
export interface CopiedWeights {
  /** Matrices of layers on the CPU. */
  readonly dense: SizesByRole;
  /** Experts of one projection. */
  readonly experts: SizesByRole;
  readonly head: Bytes;
}

/** Batches from this on are worth the copy: ggml-cuda.cu `min_batch_size`. */
export const LEAST_BATCH: Tokens = 32;

/**
 * What is copied to the first GPU for batches of 32 tokens and more (`op_offload`, on by default): a matrix at a time,
 * each in a part of the graph that begins with it. Experts kept on the CPU are copied whole, one projection of all experts.
 *
 * Readings (ik_llama.cpp, Qwen3-235B-A22B in Q6_K, 512 tokens): CUDA0 774.00 MiB = 630.00 of one expert projection,
 * 128 x 1536 x 4096 x 210 / 256 B, + 144 of the layer's own moment. GLM-Z1-32B in BF16 with nothing offloaded: CUDA0
 * 2084.02 MiB = 1776 of the head + 308 of its rows.
 * Not modelled: runs whose weights are repacked for the CPU, which cannot be copied (`-rtr` of the fork).
 *
 * @returns null where nothing is copied
 */
export function copiedWeights(
  model: Architecture,
  at: OnCpu & { readonly storage: WeightStorage; readonly ubatchTokens: Tokens },
): CopiedWeights | null {
  const { cpu, cut, storage } = at;
  if (at.ubatchTokens < LEAST_BATCH || (cpu.layers === 0 && !cpu.output && cut === 0)) return null;
  return largestOnCpu(model)(storage, `${cpu.layers} ${cpu.output} ${cut}`, at);
}

const largestOnCpu = onceFor((model: Architecture) =>
  onceForEach((storage: WeightStorage, _key: string, at: OnCpu) => largest(model, storage, at)),
);

interface OnCpu {
  readonly cpu: PlacedLayers;
  /** Layers whose experts stay on the CPU. */
  readonly cut: number;
}

function largest(model: Architecture, storage: WeightStorage, { cpu, cut }: OnCpu): CopiedWeights {
  const layers = dividedLayers(model);
  const held = { input: false, firstLayer: 0 } as const;
  const onCpu = sliceLayers(model, { ...held, layers: cpu.layers, output: cpu.output });
  const stripped = sliceLayers(model, { ...held, layers: Math.min(layers, cut), output: false });
  const isHead = ({ role }: Tensor): boolean => role === "head" || role === "embedding";
  const experts = new Map<Tensor["role"], Bytes>();
  sizesOf(onCpu, storage, (tensor) => tensor.kind === "expert", experts);
  sizesOf(stripped, storage, (tensor) => tensor.kind === "expert", experts);
  const dense = sizesOf(onCpu, storage, (tensor) => tensor.kind === "linear" && !isHead(tensor), new Map());
  const head = cpu.output ? Math.max(0, ...sizesOf(onCpu, storage, isHead, new Map()).values()) : 0;
  return { dense, experts, head };
}

function sizesOf(
  part: Architecture,
  storage: WeightStorage,
  counts: (tensor: Tensor) => boolean,
  most: Map<Tensor["role"], Bytes>,
): SizesByRole {
  const keep = (role: Tensor["role"], bytes: Bytes): void => {
    most.set(role, Math.max(most.get(role) ?? 0, bytes));
  };
  const see = ({ role }: Tensor, bytes: Bytes): void => {
    // Files hold a fused gate and up as two.
    if (role === "mlp-gate-up")
      for (const half of ["mlp-gate", "mlp-up"] as const) keep(half, Math.ceil(bytes / 2));
    else keep(role, bytes);
  };
  if (storage.scheme !== undefined) {
    walkScheme(part, storage.scheme, { mtp: false }, ({ tensor, stack }, _layers, encoding) => {
      if (stack?.role !== "vision" && counts(tensor))
        see(tensor, tensor.copies * encoding.bytesOf(tensor.shape));
    });
    return most;
  }
  const stack = dividedStack(part);
  const tensors = [...part.tensors, ...(stack?.kinds.flatMap((kind) => kind.tensors) ?? [])];
  for (const tensor of new Set(tensors)) {
    if (!counts(tensor)) continue;
    const alone = { ...part, stacks: [], tensors: [tensor] };
    see(tensor, storage.bytesOf({ ...alone, parameters: countParameters(alone) }));
  }
  return most;
}
