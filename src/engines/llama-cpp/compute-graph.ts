/** The vocabulary in which llama.cpp's compute graph is told: its inputs and its operations in order. */
import type { Mixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import type { SizesByRole } from "./copied-weights.ts";
import type { GraphTensor } from "./graph-allocator.ts";

export interface GraphInput {
  /** `-ub`, at most the context. */
  readonly ubatchTokens: Tokens;
  /** Window of a layer; 0 where it attends to the whole cache. */
  readonly windowOf: (mixer: Mixer) => Tokens;
  /** Cells that a token attends to, by window. */
  readonly cellsOf: (windowTokens: Tokens) => Tokens;
  readonly flashAttention: boolean;
  /** The mask reaches the device in F16; else in F32, of which flash attention makes an F16 copy. */
  readonly halfMask: boolean;
  /** Sequences of the micro-batch: each brings a recurrent state. */
  readonly sequences: number;
  /** States that a recurrence returns of each: its last, and one per proposed token to go back to. */
  readonly states: number;
  /** Layers norm what they add up (BERT) and rotate nothing; others norm what they read. */
  readonly normsAfter: boolean;
  /** silu and a product in place, instead of one operation that makes a third row (`ggml_swiglu_split`). */
  readonly gatesInPlace?: boolean;
  /** Queries, keys and values are copied out of the product of a fused matrix. */
  readonly copiedParts?: boolean;
  /** Matrices that the host keeps and sends for their products, one at a time; null where the device holds all. */
  readonly sent: { readonly dense: SizesByRole | null; readonly experts: SizesByRole } | null;
  /** Cells of the host's layers, which attention reads on the device: both are sent whole. */
  readonly copiedCache: CacheFormat | null;
  /** Sides of the cache whose heads are turned before they are quantized. */
  readonly turned: TurnedSides;
}

export interface TurnedSides {
  readonly keys: boolean;
  readonly values: boolean;
}

/** Heads of other widths are cached as they are (llama-kv-cache.cpp, `attn_rot_k`). */
export const turns = (headDim: number): boolean => headDim % 64 === 0;

/** Operations in the order of the graph. */
export interface Graph {
  readonly nodes: GraphTensor[];
  readonly op: (name: string, bytes: Bytes, reads: readonly GraphTensor[], over?: GraphTensor) => GraphTensor;
  /** An input that the host sends when the first operation reads it. */
  readonly await: (name: string, bytes: Bytes) => GraphTensor;
}

/** A graph without nodes; `op` adds one and hands it back. */
export function emptyGraph(): Graph {
  const nodes: GraphTensor[] = [];
  const awaited = new Set<GraphTensor>();
  return {
    nodes,
    await: (name, bytes) => {
      const tensor = { name, bytes, reads: [] };
      awaited.add(tensor);
      return tensor;
    },
    op: (name, bytes, reads, over) => {
      for (const tensor of reads) if (awaited.delete(tensor)) nodes.push(tensor);
      const node = { name, bytes, reads, over };
      nodes.push(node);
      return node;
    },
  };
}

/** A matrix that the host sends, if it does: it lies on the device from before the product until after it. */
export function sentMatrix(
  graph: Graph,
  { sent }: GraphInput,
  at: { readonly role: Tensor["role"]; readonly of: "dense" | "experts" },
): readonly GraphTensor[] {
  const bytes = sent?.[at.of]?.get(at.role);
  return bytes === undefined ? [] : [graph.op(COPIED, bytes, [])];
}

export const COPIED = "weights copied from the CPU";

/** Bytes of a value in fp32. */
export const F32 = 4;

/** Bytes of a value in fp16. */
export const F16 = 2;

/** What the host sends before the first operation. */
export interface Brought {
  /** By window, in the format that attention reads. */
  readonly mask: (graph: Graph, windowTokens: Tokens) => GraphTensor;
  readonly positions: GraphTensor;
  /** Cells that keys and values go to. */
  readonly indices: GraphTensor;
  /** Hadamard matrix of the heads, where the cache is turned. */
  readonly hadamard: GraphTensor | null;
  /** Tokens that go on to the head. */
  readonly rows: GraphTensor;
}
