import type { Bytes } from "../units.ts";

/** A card that the main command names when it says which cards hold a model. */
export interface CommonCard {
  readonly id: string;
  readonly name: string;
  readonly usableBytes: Bytes;
}

const MiB = 2 ** 20;

/**
 * The cards that people ask about first, smallest to largest. A copy of a few rows of `accelerators()`,
 * so that the main command does not load that table; a test keeps the two equal.
 */
// biome-ignore format: one card a line
export const COMMON_CARDS: readonly [CommonCard, ...CommonCard[]] = [
  { id: "rtx-3060-12gb", name: "GeForce RTX 3060", usableBytes: 11906 * MiB },
  { id: "rtx-4060-ti-16gb", name: "GeForce RTX 4060 Ti 16GB", usableBytes: 15944 * MiB },
  { id: "l4", name: "L4", usableBytes: 22563 * MiB },
  { id: "rtx-4090", name: "GeForce RTX 4090", usableBytes: 24080 * MiB },
  { id: "rtx-5090", name: "GeForce RTX 5090", usableBytes: 32109 * MiB },
  { id: "a100-40gb-sxm", name: "A100-SXM4-40GB", usableBytes: 40441 * MiB },
  { id: "l40s", name: "L40S", usableBytes: 45495 * MiB },
  { id: "h100-80gb-sxm", name: "H100 80GB HBM3", usableBytes: 81081 * MiB },
  { id: "a100-80gb-sxm", name: "A100-SXM4-80GB", usableBytes: 81151 * MiB },
  { id: "rtx-pro-6000", name: "RTX PRO 6000 Blackwell Workstation Edition", usableBytes: 97247 * MiB },
  { id: "h200", name: "H200", usableBytes: 143156 * MiB },
  { id: "b200", name: "B200", usableBytes: 182631 * MiB },
  { id: "mi300x", name: "Instinct MI300X", usableBytes: 196592 * MiB },
];
