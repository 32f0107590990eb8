import type { AcceleratorRow } from "./accelerator.ts";

/** Intel devices. `smi` is the total of hl-smi (Gaudi); `runtime` is Level Zero's total as SYCL prints it. */
// biome-ignore format: one device a line reads as the table that it is
export const INTEL: readonly AcceleratorRow[] = [
  { id: "arc-a380", name: "Arc A380", gen: "alchemist", gib: 6, gbps: 186 },
  { id: "arc-a580", name: "Arc A580", gen: "alchemist", gib: 8, gbps: 512 },
  { id: "arc-a750", name: "Arc A750", gen: "alchemist", gib: 8, gbps: 512 },
  { id: "arc-a770-8gb", name: "Arc A770 8GB", gen: "alchemist", gib: 8, gbps: 512 },
  { id: "arc-a770-16gb", name: "Arc A770", gen: "alchemist", gib: 16, gbps: 560, runtime: "16225 MB", by: "llama.cpp" },
  { id: "arc-b570", name: "Arc B570", gen: "battlemage", gib: 10, gbps: 380 },
  { id: "arc-b580", name: "Arc B580", gen: "battlemage", gib: 12, gbps: 456, runtime: "12216 MiB", by: "llama.cpp" },
  { id: "arc-pro-b50", name: "Arc Pro B50", gen: "battlemage", gib: 16, gbps: 224, aliases: ["arc-b50", "b50"] },
  { id: "arc-pro-b60", name: "Arc Pro B60", gen: "battlemage", gib: 24, gbps: 456, runtime: "23256 MiB", by: "torch", aliases: ["arc-b60", "b60"] },
  { id: "arc-pro-b70", name: "Arc Pro B70", gen: "battlemage", gib: 32, runtime: "32656 MiB", by: "llama.cpp", aliases: ["b70"] },
  { id: "flex-170", name: "Data Center GPU Flex 170", gen: "alchemist", gib: 16, gbps: 576 },
  { id: "max-1100", name: "Data Center GPU Max 1100", gen: "ponte-vecchio", gib: 48, gbps: 1229 },
  { id: "max-1550", name: "Data Center GPU Max 1550", gen: "ponte-vecchio", gib: 64, gbps: 1638, runtime: "65536 MiB", by: "torch", notes: "one of the card's two tiles, each a device of its own" },
  { id: "gaudi-2", name: "Gaudi 2", gen: "gaudi2", gib: 96, gbps: 2450, smi: 98304 },
  { id: "gaudi-3", name: "Gaudi 3", gen: "gaudi3", gib: 128, gbps: 3700 },
];
