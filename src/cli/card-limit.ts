/** A limit by the name of a card, or by the cards of this machine. */
import type { Note } from "../architecture/model.ts";
import { engineCard } from "../engines/engine-card.ts";
import { VramCalcError } from "../errors.ts";
import { parseGpuSpec } from "../hardware/gpu-spec.ts";
import { devicesNamed } from "../hardware/lookup.ts";
import type { Io } from "./io.ts";
import type { Limit } from "./limit.ts";

/**
 * Reads `--gpu`.
 *
 * @throws unknown-name for a card, bad-option for a mix of cards, source-unavailable when `local` finds none
 */
export async function cardLimit(gpu: string, io: Io): Promise<Limit> {
  return gpu.trim().toLowerCase() === "local" ? localLimit(io) : namedLimit(gpu);
}

function namedLimit(spec: string): Limit {
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
    card: engineCard(accelerator),
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
    card: { totalBytes: bytes },
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
