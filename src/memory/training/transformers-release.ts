import type { Architecture } from "../../architecture/model.ts";
import type { Versioned } from "../../engines/versions.ts";
import type { Bytes } from "../../units.ts";
import { BITSANDBYTES_KEEPING, BITSANDBYTES_READ } from "./bitsandbytes-release.ts";
import { releaseRow } from "./release.ts";

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
  /** `torch.utils.checkpoint` runs its reentrant variant, whose forward makes no graph. */
  readonly reentrantCheckpoints: boolean;
  /** Before which kernels keys and values are copied to every query head. */
  readonly repeatsKv: "sdpa-and-flash" | "sdpa" | "none";
  /** The release of bitsandbytes of its time. */
  readonly bitsandbytes: string;
  /** Whose layers register rotary tables of all positions, each its own. */
  readonly rotaryCaches: ReadonlySet<string>;
}

const LATER_TABLES: ReadonlySet<string> = new Set(["mixtral"]);
const EARLY_TABLES: ReadonlySet<string> = new Set([
  "llama",
  "mistral",
  "mixtral",
  "qwen2",
  "qwen2_moe",
  "starcoder2",
]);
const NO_TABLES: ReadonlySet<string> = new Set();

const OLD = {
  narrowLoss: true,
  fillsCache: true,
  expertModules: true,
  reentrantCheckpoints: true,
  repeatsKv: "sdpa-and-flash",
  bitsandbytes: BITSANDBYTES_READ,
  rotaryCaches: LATER_TABLES,
} as const;
const OLDEST = { ...OLD, bitsandbytes: BITSANDBYTES_KEEPING } as const;
const GROUPED = { ...OLD, repeatsKv: "sdpa", rotaryCaches: NO_TABLES } as const;
const NEW = {
  narrowLoss: false,
  fillsCache: false,
  expertModules: false,
  reentrantCheckpoints: false,
  repeatsKv: "none",
  bitsandbytes: BITSANDBYTES_READ,
  rotaryCaches: NO_TABLES,
} as const;
const YOUNGER = { ...NEW, expertModules: true, reentrantCheckpoints: true } as const;

/** The release whose classes were read. */
export const TRANSFORMERS_READ = "5.18";

/**
 * In May 2024 layers of Llama, Mistral and Mixtral had rotary tables of their own, in 4.45 Mixtral's alone (both in the bytes of measured
 * runs; which release between dropped them, and that Qwen2's and StarCoder2's had them, is remembered).
 * Until 4.45 the classes widened their logits themselves and copied all but the last token's. 4.46 brought `loss/loss_utils.py`, whose
 * `ForCausalLMLoss` widens and copies beside the 16-bit logits that the class returns; pull request 35646 (4.49) shifts labels instead.
 * 4.48 gave all classes one attention (35235), whose FlashAttention groups heads itself; its SDPA does since 4.54 (39412).
 * 4.53 brought `GradientCheckpointingLayer`, which switches caches off, and by then older classes used the common loss; of both it
 * is known that 4.48 did not have them yet. 5.0 fuses experts, and by then checkpoints were not reentrant (pull request 43203, January 2026).
 */
const RELEASES: readonly [TransformersRelease, ...TransformersRelease[]] = [
  { version: "4.0", date: "2020-11", loss: "hf-upcast", ...OLDEST, rotaryCaches: EARLY_TABLES },
  { version: "4.42", date: "2024-06", loss: "hf-upcast", ...OLDEST },
  { version: "4.43", date: "2024-07", loss: "hf-upcast", ...OLD },
  { version: "4.46", date: "2024-10", loss: "hf-shifted", ...OLD },
  { version: "4.48", date: "2025-01", loss: "hf-shifted", ...GROUPED },
  { version: "4.49", date: "2025-02", loss: "hf", ...GROUPED },
  { version: "4.53", date: "2025-06", loss: "hf", ...YOUNGER, repeatsKv: "sdpa" },
  { version: "4.54", date: "2025-07", loss: "hf", ...YOUNGER },
  { version: "5.0", date: "2026-01", loss: "hf", ...NEW },
];

/**
 * What the release of this version does.
 *
 * @throws bad-option for what is no version from 4.0
 * @example transformersRelease("4.48.1").loss // "hf-shifted"
 */
export const transformersRelease = (version: string): TransformersRelease =>
  releaseRow(RELEASES, version, {
    option: "--transformers",
    called: "transformers",
    versions: /^[4-9](\.\d{1,3}){1,2}$/,
    such: `4.45 or ${TRANSFORMERS_READ}`,
  });

/** Classes written after Mistral's, which repeated keys and values before FlashAttention too; Llama's and Gemma's did not. */
const AFTER_MISTRAL: ReadonlySet<string> = new Set([
  "mistral",
  "mixtral",
  "qwen2",
  "qwen2_moe",
  "phi3",
  "starcoder2",
]);

/** @example repeatsKv("mistral", "flash", transformersRelease("4.45")) // true: 2 x (4096 - 1024) x 2 B per token and layer of the 7B */
export const repeatsKv = (family: string, attention: string, release: TransformersRelease): boolean =>
  attention === "sdpa"
    ? release.repeatsKv !== "none"
    : attention === "flash" && release.repeatsKv === "sdpa-and-flash" && AFTER_MISTRAL.has(family);

/**
 * Rotary tables of all positions that each layer registers: on every rank whole.
 *
 * @example Mixtral 8x7B: 32 x 2 x 32,768 x 128 x 2 = 536,870,912 B
 */
export function rotaryCacheBytes(model: Architecture, release: TransformersRelease): Bytes {
  if (!release.rotaryCaches.has(model.family)) return 0;
  let bytes = 0;
  for (const stack of model.stacks)
    stack.kinds.forEach((kind, index) => {
      for (const mixer of kind.mixers)
        if (mixer.kind === "attention")
          bytes += (stack.counts[index] ?? 0) * 2 * (model.maxContextTokens ?? 0) * mixer.keyDim * 2;
    });
  return bytes;
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
