/** What the host sends of the cache's side: masks of attention and the matrix that turns heads. */
import type { Mixer } from "../../architecture/mixers/mixer.ts";
import type { LayerKind } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import {
  type Brought,
  F16,
  F32,
  type Graph,
  type GraphInput,
  type TurnedSides,
  turns,
} from "./compute-graph.ts";
import type { GraphTensor } from "./graph-allocator.ts";

type Bring = (name: string, bytes: Bytes) => GraphTensor;

/** Window of a mixer, or its chunk; 0 where it attends to everything. */
export const ownWindow = (mixer: Mixer): Tokens =>
  mixer.kind === "attention" ? (mixer.windowTokens ?? mixer.chunkTokens ?? 0) : 0;

/** The widest power of two, 64 and up, that divides a turned head, squared. */
export function hadamardOf(
  layers: readonly LayerKind[],
  { keys, values }: TurnedSides,
  bring: Bring,
): GraphTensor | null {
  const dims = layers.flatMap(({ mixers }) =>
    mixers.flatMap((mixer) =>
      mixer.kind === "attention" ? [keys ? mixer.keyDim : 0, values ? mixer.valueDim : 0] : [],
    ),
  );
  const size = Math.max(0, ...dims.filter(turns).map((dim) => dim & -dim));
  return size === 0 ? null : bring("hadamard matrix", size * size * F32);
}

/** A mask for each window, in the format that attention reads; a cast one is made once. */
export function masksOf(at: {
  readonly layers: readonly LayerKind[];
  readonly input: GraphInput;
  readonly bring: Bring;
}): Brought["mask"] {
  const { input } = at;
  const made = new Map<Tokens, GraphTensor>();
  for (const { mixers } of at.layers)
    for (const mixer of mixers) {
      if (mixer.kind === "recurrent" || mixer.kind === "conv") continue;
      const window = input.windowOf(mixer);
      if (made.has(window)) continue;
      const pairs = input.cellsOf(window) * input.ubatchTokens;
      made.set(window, at.bring("mask", pairs * (input.halfMask ? F16 : F32)));
    }
  const cast = input.flashAttention && !input.halfMask;
  return ({ op }: Graph, window) => {
    const mask = made.get(window)!;
    if (!cast || mask.name !== "mask") return mask;
    const half = op("half mask", mask.bytes / 2, [mask]);
    made.set(window, half);
    return half;
  };
}
