import type { Bytes } from "../../units.ts";

const CUBLAS_BYTES: Bytes = 32 * 2 ** 20;

/**
 * Workspaces of matrix products on Hopper, which stay allocated once a step has run: PyTorch's for the handle of each thread,
 * forward's and backward's (`aten/src/ATen/cuda/CublasHandlePool.cpp`, 4096 KiB x 8), and Transformer Engine's
 * (`transformer_engine/pytorch/module/base.py`, `get_cublas_workspace_size_bytes`). Older cards have 2 x 8.1 and 4 MiB.
 *
 *     3 x 33,554,432 = 100,663,296 B: what Megatron's own tests have allocated between steps beside the model states
 *     (581,489,152 B = 64,109,568 x 7.5 + 100,663,296 + 4,096)
 */
export const MEGATRON_WORKSPACES: Bytes = 3 * CUBLAS_BYTES;
