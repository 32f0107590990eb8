/** The vocabulary in which llama.cpp's compute graph is told: its inputs and its operations in order. */
import type { Mixer } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
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
  readonly gatesInPlace: boolean;
  /** Bytes of a matrix that the host keeps and sends for its product; 0 where the device holds all. */
  readonly copiedMatrix: Bytes;
  /** They are the experts' alone. */
  readonly expertsCopied: boolean;
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
}

export function emptyGraph(): Graph {
  const nodes: GraphTensor[] = [];
  return {
    nodes,
    op: (name, bytes, reads, over) => {
      const node = over === undefined ? { name, bytes, reads } : { name, bytes, reads, over };
      nodes.push(node);
      return node;
    },
  };
}

export const COPIED = "weights copied from the CPU";
export const F32 = 4;
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
