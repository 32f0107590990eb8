/** Rows of test/vectors/serving-measured.json as requests: what was run, and what was read. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import type { CacheFormat } from "../../src/engines/cache-format.ts";
import { VramCalcError } from "../../src/errors.ts";
import { kvFormatByName } from "../../src/formats/kv-formats.ts";

export interface MeasuredRow {
  readonly id: string;
  readonly source: string;
  readonly model: string;
  /** Entry of serving-models.json; absent when no config of the model is at hand. */
  readonly config?: string;
  readonly engine: string;
  readonly fork?: string;
  readonly version?: string;
  /** `date`: not stated; the release that was current when the source was written. */
  readonly versionBy?: "date";
  readonly quality: string;
  /** Why the reading is not of what is estimated. */
  readonly leftOut?: string;
  readonly storage?: string;
  readonly card?: string;
  /** What the total is: the allocator's `max_memory_allocated`, or all that the driver shows. Default "device". */
  readonly reading?: "allocated" | "device";
  readonly flags: {
    readonly tp?: number;
    readonly pp?: number;
    readonly contextTokens?: number;
    /** Tokens read at once, before the rest is generated one by one. */
    readonly promptTokens?: number;
    readonly sequences?: number;
    readonly ubatchTokens?: number;
    readonly cache?: string;
    readonly kvTypes?: Readonly<Record<string, string>>;
    readonly gpuMemoryUtilization?: number;
    readonly maxNumSeqs?: number;
    readonly maxBatchedTokens?: number;
    /** The log names FlashInfer's sampler. */
    readonly flashinferSampler?: boolean;
    readonly offload?: string;
    readonly flashAttention?: boolean;
    readonly mla?: number;
    /** Elements of one key row in a layer, as the log prints it. */
    readonly keyRow?: number;
    readonly expertsOnCpu?: boolean;
    /** Tokens whose logits the graph reserves; absent: the micro-batch. */
    readonly outputTokens?: number;
    /** The mask of flash attention is made in F16. */
    readonly halfMask?: boolean;
  };
  readonly measured: {
    readonly weightsGiB?: number;
    readonly kvGiB?: number;
    readonly kvTokens?: number;
    readonly computeGiB?: number;
    readonly totalGiB?: number;
    readonly nonTorchGiB?: number;
    readonly graphsGiB?: number;
    readonly cacheMiB?: Readonly<Record<string, number>>;
    readonly kvMiB?: Readonly<Record<string, number>>;
    readonly computeMiB?: Readonly<Record<string, number>>;
  };
  readonly note?: string;
}

const vectors = fileURLToPath(new URL("../vectors/", import.meta.url));
const parse = (file: string): unknown => JSON.parse(readFileSync(vectors + file, "utf8"));

export const MEASURED = (parse("serving-measured.json") as { rows: readonly MeasuredRow[] }).rows;
const MODELS = (parse("serving-models.json") as { models: Readonly<Record<string, unknown>> }).models;

const built = new Map<string, Architecture | string>();

/** The model of a row, or why there is none. */
export function modelOf(row: MeasuredRow): Architecture | string {
  return row.config === undefined ? "no config of the model at hand" : modelNamed(row.config);
}

/** An entry of serving-models.json, or why it is no model. */
export function modelNamed(name: string): Architecture | string {
  let model = built.get(name);
  if (model === undefined) {
    try {
      model = readArchitecture(MODELS[name], name);
    } catch (error) {
      if (!(error instanceof VramCalcError)) throw error;
      model = `no family reads ${name}: ${error.code}`;
    }
    built.set(name, model);
  }
  return model;
}

/** A model of serving-models.json by its name there. */
export const namedModel = (name: string): Architecture => readArchitecture(MODELS[name], name);

/** The cache format that `--kv-cache-dtype` or -ctk/-ctv named. */
export function cacheFormatOf(name: string | undefined): CacheFormat {
  return kvFormatByName(name === undefined || name === "auto" ? "bf16" : name);
}
