/** Models made of a language model, vision or audio towers, and projectors between them. */
import { type ConfigReader, overriding, withDefaults } from "./config-reader.ts";
import type { Family, FamilyLookup } from "./family.ts";
import type { ArchitectureDraft, Tensor } from "./model.ts";
import { linear } from "./tensors.ts";
import type { Tower } from "./towers/tower.ts";

/**
 * A nested config of one tower.
 *
 * @throws bad-config when it is absent: the class would fall back to a tower of its own choice.
 */
export function part(config: ConfigReader, key: string): ConfigReader {
  return config.child(key) ?? config.fail(key, "the config of that part");
}

/** A nested config over the class's own defaults, which stand for it when it is absent. */
export const optionalPart = (
  config: ConfigReader,
  key: string,
  defaults: Readonly<Record<string, unknown>>,
): ConfigReader => withDefaults(config.child(key) ?? overriding(config, defaults), defaults);

export interface LanguageModelOptions {
  /** Keys under which the language model may be nested. */
  readonly keys?: readonly string[];
  /** Model type of a nested config that does not say. */
  readonly modelType: string;
  /**
   * Read as this model type whatever the nested config says: a text class that is another one renamed; or as a
   * family that has no file of its own.
   */
  readonly readAs?: string | Family;
  /** Defaults of the text class where they differ from those of `readAs`. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Keys that the text class fixes. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  /** `tie_word_embeddings` of the composite class when neither config says; else the text class decides. */
  readonly tied?: boolean;
  /** Which of the two configs decides about the head where they disagree; else the text config, then the top. */
  readonly ties?: TieRule;
}

/**
 * Who ties the head in a composite class of transformers 5.18, measured with the key true, false and absent in
 * both configs. `top`: the composite's key, else the text config's, else `tied`. `either`: true in one of them,
 * `tied` standing for either key when absent.
 * `top-alone`: the composite's key, else untied. `text-alone`: the text config's.
 */
export type TieRule = "top" | "either" | "top-alone" | "text-alone";

/** What the rule makes of both configs; undefined leaves it to the text class. */
function tieOf(
  rule: TieRule,
  top: boolean | undefined,
  text: boolean | undefined,
  otherwise: boolean | undefined,
): boolean | undefined {
  switch (rule) {
    case "top":
      return top ?? text ?? otherwise;
    case "either":
      return (top ?? otherwise) === true ? true : (text ?? otherwise);
    case "top-alone":
      return top ?? otherwise ?? false;
    case "text-alone":
      return text ?? otherwise;
  }
}

/**
 * The language model inside a composite config; or, in older files, the composite's own top level read as one.
 */
export function languageModel(
  config: ConfigReader,
  families: FamilyLookup,
  options: LanguageModelOptions,
): ArchitectureDraft {
  const nested = config.child(options.keys ?? ["text_config"]);
  const own = typeof options.readAs === "object" ? options.readAs : undefined;
  const readAs = typeof options.readAs === "object" ? options.readAs.modelTypes[0]! : options.readAs;
  const given = withDefaults(
    nested ?? overriding(config, { model_type: readAs ?? options.modelType }),
    options.defaults ?? {},
  );
  const inText = given.optionalFlag("tie_word_embeddings");
  const atTop = config.optionalFlag("tie_word_embeddings");
  const tied =
    nested === undefined || options.ties === undefined
      ? (inText ?? atTop ?? options.tied)
      : tieOf(options.ties, atTop, inText, options.tied);
  const text = overriding(given, {
    ...(readAs === undefined ? {} : { model_type: readAs }),
    ...(tied === undefined ? {} : { tie_word_embeddings: tied }),
    ...options.fixed,
  });
  return own === undefined ? families.build(text, options.modelType) : own.build(text, families);
}

/** How a composite class names the language model's modules. */
export type TextNames =
  /** language_model.model.layers and language_model.lm_head. */
  | "language_model"
  /** llm.model.layers and llm.lm_head. */
  | "llm"
  /** model.language_model.layers and lm_head. */
  | "model.language_model"
  /** As the language model alone. */
  | "unchanged";

function renamer(names: TextNames): (name: string) => string {
  switch (names) {
    case "language_model":
    case "llm":
      return (name) => `${names}.${name}`;
    case "model.language_model":
      return (name) => (name.startsWith("model.") ? `model.language_model.${name.slice(6)}` : name);
    case "unchanged":
      return (name) => name;
  }
}

/** A linear of the projector, or of another group. */
export function projection(
  name: string,
  outDim: number,
  inDim: number,
  bias: boolean,
  group: "projector" | "audio" | "other" = "projector",
): Tensor[] {
  return linear({ name, role: "other", group, outDim, inDim, bias });
}

export interface CompositeSpec {
  readonly family: string;
  readonly config: ConfigReader;
  readonly text: ArchitectureDraft;
  readonly names: TextNames;
  readonly towers: readonly Tower[];
  /** Projectors and adapters; group "projector", or "audio" for those of an audio tower. */
  readonly projector?: readonly Tensor[];
}

/** One model of the parts: the language model's stacks first, then the towers'. */
export function composite(spec: CompositeSpec): ArchitectureDraft {
  const { text, towers } = spec;
  const rename = renamer(spec.names);
  return {
    ...text,
    family: spec.family,
    modelType: spec.config.text("model_type", spec.family),
    stacks: [
      ...text.stacks.map((stack) => ({ ...stack, prefix: rename(stack.prefix) })),
      ...towers.flatMap((tower) => tower.stacks),
    ],
    tensors: [
      ...text.tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) })),
      ...towers.flatMap((tower) => tower.tensors),
      ...(spec.projector ?? []),
    ],
  };
}
