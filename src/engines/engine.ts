import type { Architecture, Note } from "../architecture/model.ts";
import type { Term } from "../memory/term.ts";
import type { Degrees } from "../parallelism/degrees.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { CacheFormat } from "./cache-format.ts";
import type { BlockPool } from "./vllm/block-pool.ts";

/** What an engine knows of the card. */
export interface EngineCard {
  /** What the runtime reports as the card's memory; pools are cut from it. */
  readonly totalBytes: Bytes;
  /** "hopper", "ampere", ...: `Accelerator.generation`. */
  readonly generation?: string;
  /** What nvidia-smi prints as the total, a little more: some defaults follow from it. */
  readonly smiTotalBytes?: Bytes;
  /** "8.9": `Accelerator.computeCapability`. */
  readonly computeCapability?: string;
  /** `Accelerator.multiprocessors`: a driver keeps state for each. */
  readonly multiprocessors?: number;
}

/** A serving request as every engine reads it. Each engine adds options of its own, all optional. */
export interface ServingInput {
  readonly model: Architecture;
  readonly storage: WeightStorage;
  readonly format: CacheFormat;
  /** Tokens kept per sequence. */
  readonly contextTokens: Tokens;
  /** Sequences resident at once, over all replicas. */
  readonly sequences: number;
  /** Bytes of one value of the compute format: 2 for bf16. */
  readonly computeBytes: number;
  /** Checked by `checkDegrees`. */
  readonly degrees: Degrees;
  readonly card?: EngineCard;
  /** Positions on the encoder side of cross attention where the model does not fix them: tokens of images. */
  readonly encoderTokens?: Tokens;
  /** Bytes of other weights and caches on a device, for which a pool leaves room. Default: none. */
  readonly besides?: (device: Pick<EngineDevice, "held"> & { readonly last: boolean }) => Bytes;
  /** Engine version, "0.19": constants are taken from the newest row that is not newer. Default: the latest. */
  readonly version?: string;
}

/** What one kind of device holds. The `weights` term is `held` under the request's storage. */
export interface EngineDevice {
  readonly id: string;
  /** Devices that hold exactly this. */
  readonly count: number;
  /** The tensors on this device, as a model of its own. */
  readonly held: Architecture;
  /** Everything but the weights. */
  readonly terms: readonly Term[];
  /** The cache pool that fills the rest of the card, for engines that reserve one. */
  readonly pool?: BlockPool;
}

export interface EngineResult {
  readonly engine: EngineId;
  /** Version of the constants used. */
  readonly version: string;
  /** The engine's own flags with its defaults, where they move the result. */
  readonly options?: Readonly<Record<string, number | boolean>>;
  readonly devices: readonly EngineDevice[];
  readonly notes: readonly Note[];
}

/** The engines that are known, beside "generic". */
export const ENGINE_IDS = ["vllm", "sglang", "transformers", "llama.cpp"] as const;
export type EngineId = (typeof ENGINE_IDS)[number];
