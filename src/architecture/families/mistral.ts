import { decoder, readDecoderSizes } from "../decoder.ts";
import type { Family } from "../family.ts";
import { everyLayerWindow } from "../windows.ts";

/** Llama with 8 KV heads by default and a window over every layer when `sliding_window` is set. */
export const mistral: Family = {
  id: "mistral",
  modelTypes: ["mistral", "ministral3"],
  classNames: ["MistralForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 8 });
    const window = everyLayerWindow(config, sizes.layers);
    return decoder({
      family: "mistral",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      ...(window === undefined ? {} : { window }),
    });
  },
};
