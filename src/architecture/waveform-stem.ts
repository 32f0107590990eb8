/** Convolutions over a waveform. */
import type { ConfigReader } from "./config-reader.ts";
import type { Tensor } from "./model.ts";
import { convolution, norm } from "./tensors.ts";

/** Widths of wav2vec 2.0's convolutions, and their kernels. */
export const CONV_DIM = [512, 512, 512, 512, 512, 512, 512];
const CONV_KERNEL = [10, 3, 3, 3, 3, 2, 2];

/** The list under `key`, or the class's own. */
export function sizesOf(config: ConfigReader, key: string, otherwise: readonly number[]): readonly number[] {
  const list = config.ints(key) ?? otherwise;
  if (list.length === 0 || list.includes(0)) config.fail(key, "a list of whole numbers from 1");
  return list;
}

/** Convolutions over the waveform, each [out, in, kernel], with a norm after the first or after all of them. */
export function waveformStem(
  config: ConfigReader,
  options: {
    readonly dims?: readonly number[];
    readonly kernels?: readonly number[];
    readonly allNormed?: true;
  } = {},
): { readonly tensors: readonly Tensor[]; readonly width: number } {
  const dims = sizesOf(config, "conv_dim", options.dims ?? CONV_DIM);
  const kernels = sizesOf(config, "conv_kernel", options.kernels ?? CONV_KERNEL);
  if (kernels.length !== dims.length) config.fail("conv_kernel", `a list of ${dims.length} kernels`);
  const kind = options.allNormed === true ? "layer" : config.text("feat_extract_norm", "group");
  if (kind !== "group" && kind !== "layer") config.fail("feat_extract_norm", '"group" or "layer"');
  const bias = config.flag("conv_bias", false);
  return {
    width: dims[dims.length - 1]!,
    tensors: dims.flatMap((out, at) => {
      const name = `feature_extractor.conv_layers.${at}`;
      const shape = [out, at === 0 ? 1 : dims[at - 1]!, kernels[at]!];
      return [
        ...convolution({ name: `${name}.conv`, group: "other", shape, bias }),
        ...(kind === "layer" || at === 0 ? norm(`${name}.layer_norm`, out, "bias") : []),
      ];
    }),
  };
}
