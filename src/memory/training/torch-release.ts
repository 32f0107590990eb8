import type { Versioned } from "../../engines/versions.ts";
import { releaseRow } from "./release.ts";

/** What a release of PyTorch does otherwise than the one whose operations stand in `operations.ts`. */
export interface TorchRelease extends Versioned {
  /** Softmax and log-softmax keep their input beside their output, which backward never reads. */
  readonly keepsSoftmaxInput: boolean;
  /** `zero_grad` writes zeros into the gradients; later ones drop them. */
  readonly zeroesGradients: boolean;
  /** `scaled_dot_product_attention`, fused optimizers and `torch.compile` exist. */
  readonly since2: boolean;
}

/** The release whose operations were read. */
export const TORCH_READ = "2.13";

/**
 * pytorch/pytorch#64000 names the kept input ("more memory than needed"); it went with 1.11. `set_to_none` is the default of
 * `zero_grad` since 2.0, the release that brought `scaled_dot_product_attention`.
 */
const RELEASES: readonly [TorchRelease, ...TorchRelease[]] = [
  {
    version: "1.0",
    date: "2018-12",
    keepsSoftmaxInput: true,
    zeroesGradients: true,
    since2: false,
  },
  {
    version: "1.11",
    date: "2022-03",
    keepsSoftmaxInput: false,
    zeroesGradients: true,
    since2: false,
  },
  {
    version: "2.0",
    date: "2023-03",
    keepsSoftmaxInput: false,
    zeroesGradients: false,
    since2: true,
  },
];

/**
 * What the release of this version does.
 *
 * @throws bad-option for what is no version
 * @example torchRelease("1.10.2").keepsSoftmaxInput // true
 */
export const torchRelease = (version: string): TorchRelease =>
  releaseRow(RELEASES, version, {
    option: "--torch",
    called: "PyTorch",
    versions: /^[1-9]\d?(\.\d{1,3}){1,2}$/,
    such: `1.10 or ${TORCH_READ}`,
  });
