import { type Versioned, versionRow } from "../../engines/versions.ts";
import { VramCalcError } from "../../errors.ts";

/** What a release of transformers does otherwise than the one whose classes were read. */
export interface TransformersRelease extends Versioned {
  /** How the class of a causal model computes its loss: Llama's, and those written like it. */
  readonly loss: "hf-upcast" | "hf-shifted" | "hf";
  /** The classes of GPT-2's time have a loss of their own, which does not widen logits. */
  readonly narrowLoss: boolean;
  /** GPT-BigCode's class fills its cache in training too, beside checkpoints. */
  readonly fillsCache: boolean;
  /** Each expert of a mixture is a module with linears of its own (`expert-modules.ts`); later ones hold all experts as one tensor. */
  readonly expertModules: boolean;
}

const OLD = { narrowLoss: true, fillsCache: true, expertModules: true } as const;

/** The release whose classes were read. */
export const TRANSFORMERS_READ = "5.18";

/**
 * Until 4.45 the classes widened their logits themselves and copied all but the last token's. 4.46 brought `loss/loss_utils.py`, whose
 * `ForCausalLMLoss` widens and copies beside the 16-bit logits that the class returns; pull request 35646 (4.49) shifts labels instead.
 * 4.53 brought `GradientCheckpointingLayer`, which switches caches off, and by then older classes used the common loss; of both it
 * is known that 4.48 did not have them yet. 5.0 fuses experts.
 */
const RELEASES: readonly [TransformersRelease, ...TransformersRelease[]] = [
  { version: "4.0", date: "2020-11", loss: "hf-upcast", ...OLD },
  { version: "4.46", date: "2024-10", loss: "hf-shifted", ...OLD },
  { version: "4.49", date: "2025-02", loss: "hf", ...OLD },
  { version: "4.53", date: "2025-06", loss: "hf", ...OLD, narrowLoss: false, fillsCache: false },
  { version: "5.0", date: "2026-01", loss: "hf", narrowLoss: false, fillsCache: false, expertModules: false },
];

/**
 * What the release of this version does.
 *
 * @throws bad-option for what is no version from 4.0
 * @example transformersRelease("4.48.1").loss // "hf-shifted"
 */
export function transformersRelease(version: string): TransformersRelease {
  if (/^[4-9](\.\d{1,3}){1,2}$/.test(version)) return versionRow(RELEASES, version);
  throw new VramCalcError("bad-option", {
    option: "--transformers",
    given: `"${version.slice(0, 40)}"`,
    expected: `a release of transformers such as 4.45 or ${TRANSFORMERS_READ}`,
  });
}

const NARROW: ReadonlySet<string> = new Set([
  "gpt2",
  "gpt_bigcode",
  "gpt_neox",
  "bloom",
  "falcon",
  "opt",
  "mpt",
]);

/**
 * The loss of a family's class.
 *
 * @example lossOfRelease({ family: "gpt_bigcode" }, transformersRelease("4.45")) // "hf-narrow"
 */
export const lossOfRelease = (
  { family }: { readonly family: string },
  release: TransformersRelease,
): TransformersRelease["loss"] | "hf-narrow" =>
  release.narrowLoss && NARROW.has(family) ? "hf-narrow" : release.loss;
