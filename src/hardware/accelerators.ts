import { type Bytes, GB, GiB } from "../units.ts";
import type { Accelerator, AcceleratorRow, Vendor } from "./accelerator.ts";
import { AMD } from "./amd.ts";
import { APPLE, type AppleChip } from "./apple.ts";
import { GOOGLE } from "./google.ts";
import { INTEL } from "./intel.ts";
import { multiprocessors } from "./multiprocessors.ts";
import { NVIDIA } from "./nvidia.ts";

const MiB = 2 ** 20;
const SMI: { readonly [V in Vendor]: string } = {
  nvidia: "nvidia-smi",
  amd: "rocm-smi",
  intel: "hl-smi",
  apple: "sysctl",
  google: "tpu-info",
};
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

/** Metal counts in pages of 16 KiB. */
const PAGE = 16384;
/** In single precision, which is a hair above: 24 GiB give one page more than 16 GiB. */
const TWO_THIRDS = Math.fround(2 / 3);

/**
 * The GPU's default part of Apple unified memory: Metal's recommendedMaxWorkingSetSize while
 * `iogpu.wired_limit_mb` is 0, rounded up to a page.
 *
 *     memory <= 32 GiB   2/3       memory >= 36 GiB   3/4
 *
 * llama.cpp prints it in 10^6 bytes: 11453.25 MB (of 16 GiB), 17179.89 MB (24), 22906.50 MB (32), 28991.03 MB (36),
 * 51539.61 MB (64), 103079.22 MB (128). Recent versions of macOS give more: 0.74 of 16 and 24 GiB, 0.78 of
 * 32 to 48, 0.81 of 64, 0.84 of 128 (12713.12, 26800.60, 55662.79 and 115448.73 MB in the same line). The
 * smaller share holds on every version, so a model that fits it fits on all of them.
 *
 * @example defaultShare(32 * 2 ** 30) // 22_906_503_168, printed as 22906.50 MB
 */
export function defaultShare(nominalBytes: Bytes): Bytes {
  const share = nominalBytes >= 36 * GiB ? nominalBytes * 0.75 : nominalBytes * TWO_THIRDS;
  return Math.ceil(share / PAGE) * PAGE;
}

function fromRow(vendor: Vendor, row: AcceleratorRow): Accelerator {
  const nominalBytes = row.gib * GiB;
  const smiTotalBytes = row.smi === undefined ? undefined : row.smi * MiB;
  const runtimeTotalBytes = row.runtime === undefined ? undefined : printedBytes(row.runtime);
  const reported = runtimeTotalBytes ?? smiTotalBytes;
  const units = vendor === "nvidia" ? multiprocessors(row.id) : undefined;
  const shared = row.share === undefined ? undefined : nominalBytes * row.share;
  return Object.freeze({
    id: row.id,
    name: row.name,
    vendor,
    generation: row.gen,
    nominalBytes,
    usableBytes: reported ?? shared ?? nominalBytes,
    usableBasis: reported !== undefined ? "reported" : shared !== undefined ? "default-share" : "nominal",
    aliases: row.aliases ?? [],
    ...(reported !== undefined && { usableSource: sourceOf(row, SMI[vendor]) }),
    ...(row.share !== undefined && {
      usableSource: "half of memory, the default of Linux (ttm.pages_limit)",
    }),
    ...(smiTotalBytes !== undefined && { smiTotalBytes }),
    ...(runtimeTotalBytes !== undefined && { runtimeTotalBytes }),
    ...(row.gbps !== undefined && { bandwidthBytesPerSecond: Math.round(row.gbps * GB) }),
    ...(row.chip !== undefined && (vendor === "amd" ? { gfx: row.chip } : { computeCapability: row.chip })),
    ...(units !== undefined && { multiprocessors: units }),
    ...(row.unified !== undefined && { unified: row.unified }),
    ...(row.notes !== undefined && { notes: row.notes }),
  } satisfies Accelerator);
}

/** Everything that the row's figures were printed by, the one behind `usableBytes` first. */
function sourceOf({ runtime, by, smi }: AcceleratorRow, smiTool: string): string {
  return [runtime && `${by} prints ${runtime}`, smi && `${smiTool} ${smi} MiB`].filter(Boolean).join("; ");
}

/** "23.64 GiB" is a rounded figure, so the result is rounded down to a MiB and never promises more. */
function printedBytes(printed: string): Bytes {
  const value = Number.parseFloat(printed);
  const unit = printed.endsWith(" GiB") ? GiB : printed.endsWith(" MiB") ? MiB : 1e6;
  return Math.floor((value * unit) / MiB) * MiB;
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
      usableSource: "Metal's recommendedMaxWorkingSetSize, unless iogpu.wired_limit_mb is set",
      bandwidthBytesPerSecond: gbps * GB,
      unified: true,
      aliases: index === 0 ? [base] : [],
    } satisfies Accelerator),
  );
}
