/** An Apple chip and the memory sizes that it was sold with: `[size in GiB, bandwidth in GB/s]`. */
export interface AppleChip {
  readonly chip: string;
  readonly generation: string;
  readonly sizes: readonly (readonly [gib: number, gbps: number])[];
}

/** Apple silicon, from the technical specifications of the Macs at support.apple.com/specs. */
// biome-ignore format: one chip a line reads as the table that it is
export const APPLE: readonly AppleChip[] = [
  { chip: "M1", generation: "m1", sizes: [[8, 68], [16, 68]] },
  { chip: "M1 Pro", generation: "m1", sizes: [[16, 200], [32, 200]] },
  { chip: "M1 Max", generation: "m1", sizes: [[32, 400], [64, 400]] },
  { chip: "M1 Ultra", generation: "m1", sizes: [[64, 800], [128, 800]] },
  { chip: "M2", generation: "m2", sizes: [[8, 100], [16, 100], [24, 100]] },
  { chip: "M2 Pro", generation: "m2", sizes: [[16, 200], [32, 200]] },
  { chip: "M2 Max", generation: "m2", sizes: [[32, 400], [64, 400], [96, 400]] },
  { chip: "M2 Ultra", generation: "m2", sizes: [[64, 800], [128, 800], [192, 800]] },
  { chip: "M3", generation: "m3", sizes: [[8, 100], [16, 100], [24, 100]] },
  { chip: "M3 Pro", generation: "m3", sizes: [[18, 150], [36, 150]] },
  { chip: "M3 Max", generation: "m3", sizes: [[36, 300], [48, 400], [64, 400], [96, 300], [128, 400]] },
  { chip: "M3 Ultra", generation: "m3", sizes: [[96, 819], [256, 819], [512, 819]] },
  { chip: "M4", generation: "m4", sizes: [[16, 120], [24, 120], [32, 120]] },
  { chip: "M4 Pro", generation: "m4", sizes: [[24, 273], [48, 273], [64, 273]] },
  { chip: "M4 Max", generation: "m4", sizes: [[36, 410], [48, 546], [64, 546], [128, 546]] },
  { chip: "M5", generation: "m5", sizes: [[16, 153], [24, 153], [32, 153]] },
  { chip: "M5 Pro", generation: "m5", sizes: [[24, 307], [48, 307], [64, 307]] },
  { chip: "M5 Max", generation: "m5", sizes: [[36, 460], [48, 614], [64, 614], [128, 614]] },
];
