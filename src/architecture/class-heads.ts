/** What the class of a language model has behind its last norm, where that is not the usual head. */
import type { ConfigReader } from "./config-reader.ts";
import type { Family } from "./family.ts";
import type { ArchitectureDraft, Tensor } from "./model.ts";
import { linear } from "./tensors.ts";

/** Labels of a classifier: `num_labels`, else the entries of `id2label`, else 2. */
export function labelCount(config: ConfigReader): number {
  const listed = config.raw.id2label;
  if (typeof listed === "object" && listed !== null && !Array.isArray(listed)) {
    const count = Object.keys(listed).length;
    if (count > 0) return count;
  }
  return config.int("num_labels", 2);
}

const ENDINGS = ["ForCausalLM", "ForConditionalGeneration", "LMHeadModel"] as const;

type HeadBuilder = (config: ConfigReader, size: number) => readonly Tensor[];

/** A class without the usual head: by the end of its name, what it has instead. */
const HEADS: { readonly [ending: string]: HeadBuilder } = {
  ForSequenceClassification: (config, size) => scores("score", labelCount(config), size, false),
  ForTokenClassification: (config, size) => scores("score", labelCount(config), size, true),
  ForQuestionAnswering: (_config, size) => scores("qa_outputs", 2, size, true),
  Model: () => [],
};

/** A class name in two: the model that it is of, and what its ending puts in the head's place. */
function headNamed(className: string): { readonly stem: string; readonly head: HeadBuilder } | undefined {
  const found = Object.entries(HEADS).find(([ending]) => className.endsWith(ending));
  return found && { stem: className.slice(0, -found[0].length), head: found[1] };
}

function scores(name: string, labels: number, size: number, bias: boolean): Tensor[] {
  return linear({ name, role: "head", group: "lm-head", outDim: labels, inDim: size, bias });
}

/**
 * The class of the file where it is the family's with another head or with none: MistralModel beside
 * MistralForCausalLM, Gemma3TextModel beside Gemma3ForCausalLM. Names that no class of the family explains
 * (ChatGLMModel) say nothing; only text models classify this way.
 */
export function otherClass(
  config: ConfigReader,
  family: Family,
  draft: ArchitectureDraft,
): string | undefined {
  const named = config.texts("architectures")?.[0];
  const known = family.classNames ?? [];
  if (named === undefined || known.includes(named)) return undefined;
  const parts = headNamed(named);
  if (parts === undefined || (parts.head !== HEADS.Model && !isTextOnly(draft))) return undefined;
  const { stem } = parts;
  const stems = stem.endsWith("Text") ? [stem, stem.slice(0, -"Text".length)] : [stem];
  return stems.some((name) => ENDINGS.some((end) => known.includes(`${name}${end}`))) ? named : undefined;
}

const isTextOnly = ({ stacks }: ArchitectureDraft): boolean =>
  stacks.every(({ role }) => role === "decoder" || role === "mtp");

/**
 * The model with the head of that class.
 *
 * @example MistralModel at 7B: 7_241_732_096 - 32_000 * 4096 = 7_110_660_096
 */
export function withHeadOf(
  draft: ArchitectureDraft,
  config: ConfigReader,
  className: string,
): ArchitectureDraft {
  const head = headNamed(className)!.head(config, draft.hiddenSize);
  const message =
    head.length === 0
      ? `${className} is the model without its output head`
      : `${className} has ${head[0]!.shape[0]} scores in place of the output head`;
  return {
    ...draft,
    tied: false,
    tensors: [...draft.tensors.filter(({ role }) => role !== "head"), ...head],
    notes: [...draft.notes, { code: "class-head", message, details: { class: className } }],
  };
}
