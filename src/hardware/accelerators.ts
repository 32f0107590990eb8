import { type Bytes, GB, GiB } from "../units.ts";
import type { Accelerator, AcceleratorRow, Vendor } from "./accelerator.ts";
import { AMD } from "./amd.ts";
import { APPLE, type AppleChip } from "./apple.ts";
import { GOOGLE } from "./google.ts";
import { INTEL } from "./intel.ts";
import { NVIDIA } from "./nvidia.ts";

const MiB = 2 ** 20;
let built: readonly Accelerator[] | undefined;

/** Every accelerator, grouped by vendor and in the order of the tables. Built on first use. */
export function accelerators(): readonly Accelerator[] {
  built ??= Object.freeze([
    ...NVIDIA.map((row) => fromRow("nvidia", row)),
    ...AMD.map((row) => fromRow("amd", row)),
    ...INTEL.map((row) => fromRow("intel", row)),
    ...APPLE.flatMap(fromChip),
    ...GOOGLE.map((row) => fromRow("google", row)),
  ]);
  return built;
}

/**
 * The GPU's default part of Apple unified memory: Metal's recommendedMaxWorkingSetSize while
 * `iogpu.wired_limit_mb` is 0.
 *
 *     memory <= 32 GiB   2/3       memory >= 36 GiB   3/4
 *
 * llama.cpp prints it in 10^6 bytes: 5726.63 MB (8 GiB), 11453.25 MB (16), 22906.50 MB (32), 28991.03 MB
 * (36), 51539.61 MB (64), 103079.22 MB (128). macOS 26 gives more (0.74 of 16 and 24 GiB, 0.78 of 32 to
 * 48, 0.81 of 64, 0.84 of 128: 12713.12, 26800.60, 55662.79 and 115448.73 MB in the same line); the
 * smaller share holds on every version, so a fit computed with it holds too.
 *
 * @example defaultShare(32 * 2 ** 30) // 22_906_492_245, printed as 22906.50 MB after rounding up to pages
 */
export function defaultShare(nominalBytes: Bytes): Bytes {
  return nominalBytes >= 36 * GiB ? (nominalBytes / 4) * 3 : Math.floor((nominalBytes * 2) / 3);
}

function fromRow(vendor: Vendor, row: AcceleratorRow): Accelerator {
  const nominalBytes = row.gib * GiB;
  const smiTotalBytes = row.smi === undefined ? undefined : row.smi * MiB;
  const runtimeTotalBytes = row.runtime === undefined ? undefined : printedBytes(row.runtime);
  const reported = runtimeTotalBytes ?? smiTotalBytes;
  return Object.freeze({
    id: row.id,
    name: row.name,
    vendor,
    generation: row.gen,
    nominalBytes,
    usableBytes: reported ?? nominalBytes,
    usableBasis: reported === undefined ? "nominal" : "reported",
    aliases: row.aliases ?? [],
    ...(row.source !== undefined && { usableSource: row.source }),
    ...(smiTotalBytes !== undefined && { smiTotalBytes }),
    ...(runtimeTotalBytes !== undefined && { runtimeTotalBytes }),
    ...(row.gbps !== undefined && { bandwidthBytesPerSecond: Math.round(row.gbps * GB) }),
    ...(row.chip !== undefined && (vendor === "amd" ? { gfx: row.chip } : { computeCapability: row.chip })),
    ...(row.unified !== undefined && { unified: row.unified }),
    ...(row.notes !== undefined && { notes: row.notes }),
  } satisfies Accelerator);
}

/** "23.64 GiB" is a rounded figure, so the result is rounded down to a MiB and never promises more. */
function printedBytes(printed: string): Bytes {
  const value = Number.parseFloat(printed);
  return Math.floor(printed.endsWith("GiB") ? value * 1024 : value) * MiB;
}

/** The smallest size of a chip answers to the bare chip name, so that a guess is never too large. */
function fromChip({ chip, generation, sizes }: AppleChip): Accelerator[] {
  const base = chip.toLowerCase().replaceAll(" ", "-");
  return sizes.map(([gib, gbps], index) =>
    Object.freeze({
      id: `${base}-${gib}gb`,
      name: `${chip} ${gib}GB`,
      vendor: "apple",
      generation,
      nominalBytes: gib * GiB,
      usableBytes: defaultShare(gib * GiB),
      usableBasis: "default-share",
      usableSource: "Metal recommendedMaxWorkingSetSize as llama.cpp prints it; see defaultShare",
      bandwidthBytesPerSecond: gbps * GB,
      unified: true,
      aliases: index === 0 ? [base] : [],
      notes: "sudo sysctl iogpu.wired_limit_mb raises the share",
    } satisfies Accelerator),
  );
}
