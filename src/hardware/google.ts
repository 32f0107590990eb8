import type { AcceleratorRow } from "./accelerator.ts";

/** Google TPU chips. v2 and v3 chips hold two cores that frameworks list as two devices: one row per core. */
// biome-ignore format: one device a line reads as the table that it is
export const GOOGLE: readonly AcceleratorRow[] = [
  { id: "tpu-v2", name: "TPU v2", gen: "v2", gib: 8, gbps: 350, notes: "one of the chip's two cores, each a device of its own" },
  { id: "tpu-v3", name: "TPU v3", gen: "v3", gib: 16, gbps: 450, runtime: "15.48 GiB", by: "XLA", notes: "one of the chip's two cores, each a device of its own" },
  { id: "tpu-v4", name: "TPU v4", gen: "v4", gib: 32, gbps: 1228 },
  { id: "tpu-v5e", name: "TPU v5e", gen: "v5e", gib: 16, gbps: 819, runtime: "15.75 GiB", by: "XLA", aliases: ["tpu-v5-lite"] },
  { id: "tpu-v5p", name: "TPU v5p", gen: "v5p", gib: 96, gbps: 2765, runtime: "95.74 GiB", by: "XLA", notes: "sold as 95 GB" },
  { id: "tpu-v6e", name: "TPU v6e", gen: "v6e", gib: 32, gbps: 1640, runtime: "31.25 GiB", by: "XLA", aliases: ["trillium"] },
  { id: "tpu-v7", name: "TPU v7", gen: "v7", gib: 192, gbps: 7370, aliases: ["ironwood", "tpu7x"] },
];
