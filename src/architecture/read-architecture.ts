/** Reads a config.json with a set of families. The sets are in registry.ts and text-registry.ts. */
import { nearestNames, VramCalcError } from "../errors.ts";
import { type ConfigReader, readConfig } from "./config-reader.ts";
import type { Family, FamilyLookup } from "./family.ts";
import { readForwardFacts } from "./forward-facts.ts";
import type { Architecture } from "./model.ts";
import { finishArchitecture } from "./parameters.ts";

/** Keys of a tower that a text decoder knows nothing of. */
export const TOWER_KEYS = [
  "vision_config",
  "audio_config",
  "visual",
  "vision_tower",
  "mm_vision_tower",
] as const;

export interface ReadArchitectureOptions {
  /** Family (or model type) to use when the config's own is unknown: never applied in silence. */
  readonly assumeFamily?: string;
}

export type ReadArchitecture = (
  value: unknown,
  file: string,
  options?: ReadArchitectureOptions,
) => Architecture;

/** A reader over `families`; `textOnly` are those that have no tower. */
export function architectureReader(
  families: readonly Family[],
  textOnly: ReadonlySet<Family>,
): ReadArchitecture {
  const byModelType = new Map(families.flatMap((f) => f.modelTypes.map((t) => [t, f] as const)));
  const byClassName = new Map(families.flatMap((f) => (f.classNames ?? []).map((c) => [c, f] as const)));
  const replacing = families.filter((f) => f.insteadOf !== undefined);

  const lookup: FamilyLookup = {
    build: (config, fallbackModelType) => {
      const modelType = config.optionalText("model_type") ?? fallbackModelType;
      const family = modelType === undefined ? undefined : byModelType.get(modelType);
      if (family === undefined) throw unsupported(config);
      return family.build(config, lookup);
    },
  };

  function readArchitecture(
    value: unknown,
    file: string,
    options: ReadArchitectureOptions = {},
  ): Architecture {
    const config = readConfig(value, file);
    const family = familyOf(config);
    const forward = readForwardFacts(config);
    if (family !== null)
      return { ...finishArchitecture(family.build(config, lookup), file, publishedDtype(config)), forward };
    if (options.assumeFamily === undefined) throw unsupported(config);
    const assumed = byModelType.get(options.assumeFamily);
    if (assumed === undefined) {
      throw new VramCalcError("unknown-name", {
        kind: "family",
        name: options.assumeFamily,
        nearest: nearestNames(options.assumeFamily, byModelType.keys()),
      });
    }
    const draft = assumed.build(config, lookup);
    const note = {
      code: "assumed-family",
      message: `sized as ${assumed.id} on request: model type ${modelTypeOf(config)} is unknown`,
      details: { family: assumed.id, modelType: modelTypeOf(config) },
    };
    const finished = finishArchitecture(
      { ...draft, notes: [...draft.notes, note] },
      file,
      publishedDtype(config),
    );
    return { ...finished, forward };
  }

  function familyOf(config: ConfigReader): Family | null {
    const modelType = config.optionalText("model_type");
    const found = modelType === undefined ? undefined : byModelType.get(modelType);
    const named = config
      .texts("architectures")
      ?.map((name) => byClassName.get(name))
      .find((family) => family !== undefined);
    if (modelType === undefined) return named ?? null;
    const instead = replacing.find(
      ({ insteadOf }) => insteadOf?.modelType === modelType && config.has(insteadOf.key),
    );
    if (instead !== undefined) return instead;
    const tower = TOWER_KEYS.find((key) => config.has(key));
    if (found === undefined || tower === undefined || !textOnly.has(found)) return found ?? null;
    // The file says which class holds text part and tower; the text part alone would be too small.
    if (named !== undefined && !textOnly.has(named)) return named;
    throw new VramCalcError("unsupported-model", {
      file: config.file,
      modelType,
      nearest: [],
      reason: `its "${tower}" describes a tower that the ${found.id} family does not have`,
    });
  }

  function unsupported(config: ConfigReader): VramCalcError {
    const modelType = modelTypeOf(config);
    const nothing = !config.has(["model_type", "architectures"]);
    return new VramCalcError("unsupported-model", {
      file: config.file,
      modelType,
      nearest: nothing ? [] : nearestNames(modelType, byModelType.keys()),
      reason: nothing
        ? "it has neither model_type nor architectures, so it is not a model's config.json"
        : "no family describes it",
    });
  }

  return readArchitecture;
}

function modelTypeOf(config: ConfigReader): string {
  return config.optionalText("model_type") ?? config.texts("architectures")?.[0] ?? "(none given)";
}

const DTYPES: { readonly [name: string]: string } = {
  float16: "fp16",
  bfloat16: "bf16",
  float32: "fp32",
  half: "fp16",
};

/** Keys under which composite files nest their language model, or what holds it. */
const TEXT_PARTS = ["text_config", "llm_config", "language_config", "thinker_config", "llm_cfg"] as const;

/** Format of the published weights: `dtype` or `torch_dtype`, here or in the text part. */
function publishedDtype(config: ConfigReader): string | undefined {
  const { raw } = config;
  const own = raw.dtype ?? raw.torch_dtype;
  if (typeof own === "string") return DTYPES[own.replace(/^torch\./, "")];
  const part = config.child(TEXT_PARTS)?.raw;
  const nested = part?.dtype ?? part?.torch_dtype;
  return typeof nested === "string" ? DTYPES[nested.replace(/^torch\./, "")] : undefined;
}
