import { VramCalcError } from "../../errors.ts";

export interface PlacementInput {
  /** Layers of the decoder. */
  readonly layers: number;
  /** `-ngl`: layers offloaded, from the last one back; more than the layers means all of them and the head. */
  readonly gpuLayers: number;
  /** `--tensor-split`, or the devices' free memory: shares of any scale. */
  readonly split: readonly number[];
  /**
   * Whether the head counts as a layer of `-ngl`. Since late 2025 it is the first thing offloaded
   * (start = layers + 1 - ngl); before, it came last (start = layers - ngl).
   */
  readonly head: "counts-first" | "counts-last";
}

export interface PlacedLayers {
  readonly firstLayer: number;
  readonly layers: number;
  /** Holds the final norm and the head. */
  readonly output: boolean;
}

export interface Placement {
  readonly cpu: PlacedLayers;
  readonly devices: readonly PlacedLayers[];
}

/**
 * Which layers lie on which device.
 *
 *     offloaded = min(ngl, layers + 1) slots;  slot i lies on the first device whose cumulated share > i / slots
 *
 * Source: llama.cpp `llama-model.cpp` load_tensors.
 *
 * @throws bad-option for a split without a positive share
 * @example placeLayers({ layers: 94, gpuLayers: 95, split: [1, 1], head: "counts-last" })
 * // 48 layers on the first device; 46 and the head on the second
 */
export function placeLayers(input: PlacementInput): Placement {
  const { layers, split } = input;
  const total = split.reduce((sum, share) => sum + share, 0);
  if (!(total > 0) || split.some((share) => !(share >= 0)))
    throw new VramCalcError("bad-option", {
      option: "--tensor-split",
      given: split.join(","),
      expected: "shares such as 3,1 that are not all 0",
    });
  const gpuLayers = Math.max(0, Math.trunc(input.gpuLayers));
  const start = Math.max(0, layers + (input.head === "counts-first" ? 1 : 0) - gpuLayers);
  const slots = Math.min(gpuLayers, layers + 1);
  const devices: PlacedLayers[] = [];
  let cumulated = 0;
  let from = 0;
  split.forEach((share, device) => {
    cumulated += share;
    const to = device === split.length - 1 ? slots : Math.min(slots, Math.ceil((cumulated / total) * slots));
    const first = start + from;
    const last = Math.min(layers, start + to);
    devices.push({
      firstLayer: Math.min(first, layers),
      layers: Math.max(0, last - first),
      output: first <= layers && layers < start + to,
    });
    from = Math.max(from, to);
  });
  const output = !devices.some((device) => device.output);
  return { cpu: { firstLayer: 0, layers: Math.min(start, layers), output }, devices };
}
