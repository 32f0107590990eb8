/** Classes that end behind the last norm: a language model published as an embedding model or as a part. */
import type { ConfigReader } from "./config-reader.ts";
import type { Family } from "./family.ts";
import type { ArchitectureDraft } from "./model.ts";

const ENDINGS = ["ForCausalLM", "ForConditionalGeneration", "LMHeadModel"] as const;

/**
 * The class of the file if it is the family's without the head: MistralModel beside MistralForCausalLM,
 * Gemma3TextModel beside Gemma3ForCausalLM. Names that
 * no class of the family explains (ChatGLMModel) say nothing.
 */
export function headlessClass(config: ConfigReader, family: Family): string | undefined {
  const named = config.texts("architectures")?.[0];
  if (named === undefined || !named.endsWith("Model") || named.endsWith("LMHeadModel")) return undefined;
  const stem = named.slice(0, -"Model".length);
  const stems = stem.endsWith("Text") ? [stem, stem.slice(0, -"Text".length)] : [stem];
  const known = family.classNames ?? [];
  const beside = stems.some((name) => ENDINGS.some((ending) => known.includes(`${name}${ending}`)));
  return beside && !known.includes(named) ? named : undefined;
}

/**
 * The model without its output head.
 *
 * @example MistralModel at 7B: 7_241_732_096 - 32_000 * 4096 = 7_110_660_096
 */
export function withoutHead(draft: ArchitectureDraft, className: string): ArchitectureDraft {
  return {
    ...draft,
    tied: false,
    tensors: draft.tensors.filter(({ role }) => role !== "head"),
    notes: [
      ...draft.notes,
      {
        code: "without-head",
        message: `${className} is the model without its output head`,
        details: { class: className },
      },
    ],
  };
}
