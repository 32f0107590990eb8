import type { Bytes } from "../units.ts";

export type Vendor = "nvidia" | "amd" | "intel" | "apple" | "google";

/**
 * What `usableBytes` rests on.
 *
 * - `reported`: a tool printed it on a real device; `usableSource` says which tool, what and where.
 * - `default-share`: the operating system's default limit on unified memory (Metal's `defaultShare`, half under Linux).
 * - `nominal`: no report was found, so this is the size on the box. Expect a few percent less.
 */
export type UsableBasis = "reported" | "default-share" | "nominal";

/**
 * One accelerator as a process sees it: cards with two dies that the runtime lists as two devices
 * (MI250, K80, Max 1550) are one row per die, and `notes` says so.
 */
export interface Accelerator {
  /** Kebab-case and unique: `rtx-4090`, `h100-80gb-sxm`. */
  readonly id: string;
  readonly name: string;
  readonly vendor: Vendor;
  /** Architecture in lower case: `ada`, `hopper`, `cdna3`, `m4`, `v5e`. */
  readonly generation: string;
  /** The size on the box. Memory chips come in powers of two, so "24 GB" is 24 x 2^30 bytes. */
  readonly nominalBytes: Bytes;
  /** The most that the runtime offers a process on an idle device; see `usableBasis`. */
  readonly usableBytes: Bytes;
  readonly usableBasis: UsableBasis;
  readonly usableSource?: string;
  /** What nvidia-smi, rocm-smi or hl-smi prints as the total. */
  readonly smiTotalBytes?: Bytes;
  /** What cudaMemGetInfo and its HIP and Level Zero counterparts give as the total. */
  readonly runtimeTotalBytes?: Bytes;
  /** Peak memory bandwidth from the data sheet; absent where boards of one name differ. */
  readonly bandwidthBytesPerSecond?: number;
  /** CUDA compute capability: "8.9". */
  readonly computeCapability?: string;
  /** Streaming multiprocessors of an NVIDIA device from Turing on. */
  readonly multiprocessors?: number;
  /** LLVM target of an AMD device: "gfx942". */
  readonly gfx?: string;
  /** The memory is shared with the CPU, so the operating system takes its part out of it. */
  readonly unified?: true;
  /** Other spellings that mean this row and no other. */
  readonly aliases: readonly string[];
  readonly notes?: string;
}

/**
 * A row of a vendor's table. Figures are kept as they were printed, so that a reader can compare a row
 * with its source; `accelerators()` turns them into bytes on first use. The lines that held them stand in
 * test/vectors/accelerators.json.
 */
export interface AcceleratorRow {
  readonly id: string;
  readonly name: string;
  readonly gen: string;
  /** Nominal size in GiB. */
  readonly gib: number;
  /** Data sheet bandwidth in GB/s (10^9). */
  readonly gbps?: number;
  /** Compute capability or gfx target. */
  readonly chip?: string;
  /** Total as the management tool prints it, in MiB. */
  readonly smi?: number;
  /** Total as the compute runtime prints it: "24080 MiB", "23.64 GiB" or "16225 MB". */
  readonly runtime?: `${number} ${"MiB" | "GiB" | "MB"}`;
  /** The program that printed `runtime`. */
  readonly by?: string;
  /** The GPU's default part of unified memory, where nothing was printed. */
  readonly share?: number;
  readonly aliases?: readonly string[];
  readonly unified?: true;
  readonly notes?: string;
}
