import { decoder, readDecoderSizes } from "../decoder.ts";
import { activationOf, type Family } from "../family.ts";
import { experts } from "../tensors.ts";
import { everyLayerWindow } from "../windows.ts";

/** Mistral attention; every layer has experts of width intermediate_size. */
export const mixtral: Family = {
  id: "mixtral",
  modelTypes: ["mixtral"],
  classNames: ["MixtralForCausalLM"],
  build: (config) => {
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 8 });
    const width = config.int("intermediate_size");
    const count = config.int("num_local_experts", 8);
    const active = config.int("num_experts_per_tok", 2);
    if (active > count) config.fail("num_experts_per_tok", `at most the ${count} experts`);
    const window = everyLayerWindow(config, sizes.layers);
    return decoder({
      family: "mixtral",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      ...(window === undefined ? {} : { window }),
      feedForward: () => ({
        feedForward: {
          kind: "experts",
          experts: count,
          activeExperts: active,
          width,
          gated: true,
          activation: activationOf(config, "silu"),
          sharedWidth: 0,
        },
        tensors: experts({
          name: "block_sparse_moe.experts",
          router: "block_sparse_moe.gate",
          names: ["w1", "w3", "w2"],
          hiddenSize: sizes.hiddenSize,
          width,
          experts: count,
          activeExperts: active,
        }),
      }),
    });
  },
};
