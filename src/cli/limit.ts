/** The limit that a request is held against: a size, a card by name, or the cards of this machine. */
import type { Note } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";
import type { Bytes } from "../units.ts";
import type { Io } from "./io.ts";

export interface Limit {
  /** Bytes that one device gives. */
  readonly bytes: Bytes;
  /** Name of the card; absent for a bare size. */
  readonly gpu?: string;
  /** Id of the card in the table, for what depends on its generation. */
  readonly gpuId?: string;
  /** Its generation: "hopper". */
  readonly generation?: string;
  /** Equal devices there are. */
  readonly count: number;
  readonly notes: readonly Note[];
}

export interface LimitFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
}

/**
 * Reads `--budget` and `--gpu`.
 *
 * @returns null when neither was given
 * @throws unknown-name for a card, bad-option for a mix of cards, source-unavailable when `local` finds none
 */
export async function limitOf(flags: LimitFlags, io: Io): Promise<Limit | null> {
  if (flags.budget !== undefined) return { bytes: flags.budget, count: 1, notes: [] };
  if (flags.gpu === undefined) return null;
  return flags.gpu.trim().toLowerCase() === "local" ? localLimit(io) : namedLimit(flags.gpu);
}

async function namedLimit(spec: string): Promise<Limit> {
  const { parseGpuSpec } = await import("../hardware/gpu-spec.ts");
  const { devicesNamed } = await import("../hardware/lookup.ts");
  const groups = parseGpuSpec(spec);
  const { accelerator, name } = groups[0]!;
  if (groups.some((group) => group.accelerator.id !== accelerator.id)) throw mixedCards(spec);
  const notes: Note[] = [];
  const [read, ...others] = devicesNamed(name);
  if (read !== undefined)
    notes.push({
      code: "gpu-variant",
      message: `"${name}" comes in several sizes: ${read.id} taken; the ${others.length === 1 ? "other is" : "others are"} ${others.map(({ id }) => id).join(", ")}`,
      details: { gpu: read.id, others: others.map(({ id }) => id).join(" ") },
    });
  if (accelerator.usableBasis !== "reported") {
    const why =
      accelerator.usableBasis === "nominal"
        ? "no driver report of it is known, so its size on the box is taken; expect a few percent less"
        : "its memory is shared with the CPU, so the default share of the GPU is taken";
    notes.push({
      code: `gpu-${accelerator.usableBasis}`,
      message: `${accelerator.name}: ${why}`,
      details: { gpu: accelerator.id },
    });
  }
  return {
    bytes: accelerator.usableBytes,
    gpu: accelerator.name,
    gpuId: accelerator.id,
    generation: accelerator.generation,
    count: groups.reduce((sum, group) => sum + group.count, 0),
    notes,
  };
}

async function localLimit(io: Io): Promise<Limit> {
  const { probeDevices } = await import("../sources/device-probe.ts");
  const devices = await probeDevices({ env: io.env });
  const first = devices[0]!;
  if (devices.some((device) => device.name !== first.name)) throw mixedCards("local");
  const bytes = Math.min(...devices.map((device) => device.freeBytes));
  return {
    bytes,
    gpu: first.name,
    count: devices.length,
    notes: [
      {
        code: "local-gpu",
        message: `${first.tool} reports ${devices.length} x ${first.name}; the limit is what is free now on the fullest`,
        details: { devices: devices.length, freeBytes: bytes, totalBytes: first.totalBytes },
      },
    ],
  };
}

function mixedCards(spec: string): VramCalcError {
  return new VramCalcError("bad-option", {
    option: "--gpu",
    given: `different cards in "${spec}"`,
    expected: "equal cards, because memory of different cards is never one pool; ask for each alone",
  });
}
