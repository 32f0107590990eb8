import type { Mixer, Tensor } from "../model.ts";

/** What one layer's sequence mixing is and holds. */
export interface MixerParts {
  readonly mixers: readonly Mixer[];
  readonly tensors: readonly Tensor[];
}

/** A layer without sequence mixing: Nemotron-H's MLP and MoE blocks. */
export const NO_MIXER: MixerParts = { mixers: [], tensors: [] };
