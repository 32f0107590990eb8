import { decoder, gatedFeedForward, readDecoderSizes } from "../decoder.ts";
import type { Family } from "../family.ts";
import { everyLayerWindow } from "../windows.ts";

/** Llama with q/k/v in one projection and gate/up in one; `sliding_window` holds in every layer. */
export const phi3: Family = {
  id: "phi3",
  modelTypes: ["phi3"],
  classNames: ["Phi3ForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false });
    const window = everyLayerWindow(config, sizes.layers);
    return decoder({
      family: "phi3",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      fusedQkv: "qkv_proj",
      feedForward: () => gatedFeedForward(config, sizes.hiddenSize, { fused: "gate_up_proj" }),
      ...(window === undefined ? {} : { window }),
    });
  },
};
