import type { Bytes } from "../../units.ts";

/** The result of an operation: what it occupies, what it reads, and whose memory it may take over. */
export interface GraphTensor {
  readonly name: string;
  /** 0 for operations that write to memory of others (caches). */
  readonly bytes: Bytes;
  readonly reads: readonly GraphTensor[];
  /** A source of the same shape whose memory the operation writes to, where nobody else reads it. */
  readonly over?: GraphTensor | undefined;
  /** Inputs of a pipeline and results stay to the end. */
  readonly kept?: boolean;
}

export interface Peak {
  readonly bytes: Bytes;
  /** What is alive at the highest moment, oldest first. */
  readonly live: readonly GraphTensor[];
}

/** Of a CUDA buffer; others align to 32 or 64, which changes no digit that a log prints. */
const ALIGNMENT = 128;

interface Block {
  offset: Bytes;
  size: Bytes;
}

/**
 * The highest address that ggml's graph allocator reaches: in graph order, each tensor takes the smallest free block
 * that holds it, else the space after the last; a tensor that is read for the last time frees its block. Free blocks
 * too small for what comes next are gaps, which is why a buffer is larger than what is alive at once.
 *
 * Source: llama.cpp b9842, ggml/src/ggml-alloc.c `ggml_gallocr_alloc_graph_impl`, `ggml_dyn_tallocr_alloc`,
 * `ggml_op_can_inplace`.
 *
 * Worked: of a chain of 512, 256 and 512 B, each reading the one before, the third takes the first's place: 768 B.
 *
 * @example peakOf([{ name: "mask", bytes: 500, reads: [] }]).bytes // 512: whole steps of 128
 */
export function peakOf(nodes: readonly GraphTensor[]): Peak {
  const readers = new Map<GraphTensor, number>();
  for (const { reads } of nodes)
    for (const tensor of reads) readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  const at = new Map<GraphTensor, Block>();
  const free: Block[] = [{ offset: 0, size: Number.MAX_SAFE_INTEGER }];
  let peak: Peak = { bytes: 0, live: [] };
  const release = (tensor: GraphTensor): void => {
    const block = at.get(tensor);
    if (block === undefined || tensor.kept) return;
    at.delete(tensor);
    insert(free, block);
  };
  for (const node of nodes) {
    const { over } = node;
    const taken = over === undefined || over.kept || readers.get(over) !== 1 ? undefined : at.get(over);
    if (over !== undefined && taken !== undefined) {
      at.delete(over);
      at.set(node, taken);
    } else if (node.bytes > 0) {
      const block = take(free, Math.ceil(node.bytes / ALIGNMENT) * ALIGNMENT);
      at.set(node, block);
      if (block.offset + block.size > peak.bytes)
        peak = { bytes: block.offset + block.size, live: [...at.keys()] };
    }
    for (const tensor of node.reads) {
      const left = readers.get(tensor)! - 1;
      readers.set(tensor, left);
      if (left === 0) release(tensor);
    }
  }
  return peak;
}

/** The smallest block that holds `size`, the last and endless one only where no other does. */
function take(free: Block[], size: Bytes): Block {
  let best = -1;
  for (let i = 0; i < free.length - 1; i++) {
    const block = free[i]!;
    if (block.size >= size && (best < 0 || block.size <= free[best]!.size)) best = i;
  }
  const index = best < 0 ? free.length - 1 : best;
  const block = free[index]!;
  const taken = { offset: block.offset, size };
  block.offset += size;
  block.size -= size;
  if (block.size === 0) free.splice(index, 1);
  return taken;
}

function insert(free: Block[], { offset, size }: Block): void {
  const next = free.findIndex((block) => block.offset > offset);
  const index = next < 0 ? free.length : next;
  free.splice(index, 0, { offset, size });
  const merge = (first: number): void => {
    const [a, b] = [free[first], free[first + 1]];
    if (a === undefined || b === undefined || a.offset + a.size !== b.offset) return;
    a.size += b.size;
    free.splice(first + 1, 1);
  };
  merge(index);
  merge(index - 1);
}
