/** Reads a config.json with a set of families. The sets are in the registries, from main-registry.ts to registry.ts. */
import { nearestNames, VramCalcError } from "../errors.ts";
import { classNotKnown, otherClass, withHeadOf } from "./class-heads.ts";
import { checkContradictions, partialDtype, publishedDtype } from "./config-facts.ts";
import { type ConfigReader, readConfig } from "./config-reader.ts";
import { isDraft } from "./draft-keys.ts";
import type { Family, FamilyLookup } from "./family.ts";
import { readForwardFacts } from "./forward-facts.ts";
import type { Architecture, ArchitectureDraft, Note } from "./model.ts";
import { finishArchitecture } from "./parameters.ts";
import type { VisionFacts } from "./vision-facts.ts";

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
  /** What messages call the config. Default: config.json. */
  file?: string,
  options?: ReadArchitectureOptions,
) => Architecture;

export interface FamilySets {
  /** Text models without any tower: a config that describes one beside them is refused, not sized too small. */
  readonly decoders: readonly Family[];
  readonly others?: readonly Family[];
}

/**
 * A reader of config.json over chosen families, for a page that must not load all of them. The sets that the
 * library knows are in `families`; a config of any other model type is refused by name.
 *
 * @example architectureReader({ decoders: families.DECODERS })(findCatalogueEntry("llama-3.1-8b").entry.config, "config.json").parameters.total // 8_030_261_248
 */
export function architectureReader({ decoders, others = [] }: FamilySets): ReadArchitecture {
  const families = [...decoders, ...others];
  const textOnly = new Set(decoders);
  const byModelType = new Map(families.flatMap((f) => f.modelTypes.map((t) => [t, f] as const)));
  const byClassName = new Map(families.flatMap((f) => (f.classNames ?? []).map((c) => [c, f] as const)));
  const replacing = families.filter((f) => f.insteadOf !== undefined);
  const claiming = families.filter((f) => f.claims !== undefined);

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
    file = "config.json",
    options: ReadArchitectureOptions = {},
  ): Architecture {
    const config = readConfig(value, file);
    const assumed = options.assumeFamily === undefined ? undefined : familyNamed(options.assumeFamily);
    const family = familyOf(config);
    if (family !== null) {
      const whole = family.build(config, lookup);
      const other = otherClass(config, family, whole);
      const unknown = other === undefined ? classNotKnown(config, family) : [];
      const draft =
        other === undefined
          ? { ...whole, notes: [...whole.notes, ...unknown] }
          : withHeadOf(whole, config, other);
      const notes =
        assumed === undefined ? draft.notes : [...draft.notes, notNeeded(family, assumed, config)];
      const finished = finish({ ...draft, notes }, config, family);
      checkContradictions(config, finished);
      return finished;
    }
    if (assumed === undefined) throw unsupported(config);
    const draft = assumed.build(config, lookup);
    const note = {
      code: "assumed-family",
      message: `sized as ${assumed.id} on request: model type ${modelTypeOf(config)} is unknown`,
      details: { family: assumed.id, modelType: modelTypeOf(config) },
    };
    return finish({ ...draft, notes: [...draft.notes, note] }, config, assumed);
  }

  function familyNamed(name: string): Family {
    const found = byModelType.get(name);
    if (found !== undefined) return found;
    throw new VramCalcError("unknown-name", {
      kind: "family",
      name,
      nearest: nearestNames(name, byModelType.keys()),
    });
  }

  function familyOf(config: ConfigReader): Family | null {
    const claimed = claiming.find(({ claims }) => claims?.(config));
    if (claimed !== undefined) return claimed;
    if (isDraft(config.raw)) throw unsupported(config, "it is a draft, of which these families know nothing");
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

  function unsupported(config: ConfigReader, why?: string): VramCalcError {
    const modelType = modelTypeOf(config);
    const { file } = config;
    if (why !== undefined)
      return new VramCalcError("unsupported-model", { file, modelType, nearest: [], reason: why });
    if (!config.has(["model_type", "architectures"]))
      return new VramCalcError("unsupported-model", { file, modelType, ...nothingNamed(config) });
    const nearest = nearestNames(modelType, byModelType.keys());
    const assume = nearest.length > 0 ? "" : " (--assume-family NAME sizes it as one that is known)";
    const reason = `no family describes it${assume}`;
    return new VramCalcError("unsupported-model", { file, modelType, nearest, reason });
  }

  return readArchitecture;
}

/** What the config says beside the draft; of images the family's word goes before the keys'. */
function finish({ vision, ...draft }: ArchitectureDraft, config: ConfigReader, family: Family): Architecture {
  const read = family.vision?.(config);
  const facts = readForwardFacts(config);
  const forward = read === undefined ? facts : { ...facts, vision: read };
  const dtype = publishedDtype(config);
  const partial = dtype === undefined ? partialDtype(config) : undefined;
  const finished = {
    ...finishArchitecture(draft, config.file, dtype),
    ...(partial === undefined ? {} : { partialDtype: partial }),
  };
  if (vision === undefined) return { ...finished, forward };
  const seen: VisionFacts = { sizing: "fixed", merge: 1, ...read, ...vision };
  return { ...finished, forward: { ...forward, vision: seen } };
}

/** Keys that BERT's first files hold, which name neither model type nor class. */
const BERT_KEYS = [
  "type_vocab_size",
  "hidden_size",
  "num_attention_heads",
  "num_hidden_layers",
  "vocab_size",
];

function nothingNamed(config: ConfigReader): {
  readonly nearest: readonly string[];
  readonly reason: string;
} {
  const part = config.optionalText("_class_name");
  if (part !== undefined)
    return {
      nearest: [],
      reason: `it is ${part.slice(0, 60)}, a part of a diffusion pipeline, of which only text encoders are sized`,
    };
  if (BERT_KEYS.every((key) => config.has(key)))
    return {
      nearest: ["bert"],
      reason: "it has neither model_type nor architectures, but the keys of BERT's first files",
    };
  return {
    nearest: [],
    reason: "it has neither model_type nor architectures, so it is not a model's config.json",
  };
}

function modelTypeOf(config: ConfigReader): string {
  return config.optionalText("model_type") ?? config.texts("architectures")?.[0] ?? "(none given)";
}

function notNeeded(family: Family, assumed: Family, config: ConfigReader): Note {
  return {
    code: "assumed-family-unused",
    message: `sized as ${family.id}, which reads model type ${modelTypeOf(config)}; assuming ${assumed.id} was not needed`,
    details: { family: family.id, assumed: assumed.id },
  };
}
