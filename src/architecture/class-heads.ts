/** What the class of a language model has behind its last norm, where that is not the usual head. */

import type { ConfigReader } from "./config-reader.ts";
import { isJsonObject } from "./config-reader.ts";
import type { Family } from "./family.ts";
import type { ArchitectureDraft, Note, Tensor } from "./model.ts";
import { linear } from "./tensors.ts";

/** Labels of a classifier: `num_labels`, else the entries of `id2label`, else 2. */
export function labelCount(config: ConfigReader): number {
  const listed = config.raw.id2label;
  if (isJsonObject(listed)) {
    const count = Object.keys(listed).length;
    if (count > 0) return count;
  }
  return config.int("num_labels", 2);
}

const ENDINGS = ["ForCausalLM", "ForConditionalGeneration", "ForVisionText2Text", "LMHeadModel"] as const;

type HeadBuilder = (config: ConfigReader, size: number, stem: string) => readonly Tensor[];

/** A class without the usual head: by the end of its name, what it has instead. */
const HEADS: { readonly [ending: string]: HeadBuilder } = {
  ForSequenceClassification: (config, size) => scores("score", labelCount(config), size, false),
  ForTokenClassification: (config, size, stem) =>
    scores("score", labelCount(config), size, config.flag("token_classification_bias", stem !== "Qwen3ASR")),
  ForQuestionAnswering: (_config, size) => scores("qa_outputs", 2, size, true),
  ForRewardModel: (_config, size, stem) =>
    stem === "InternLM2" ? scores("v_head", 1, size, false) : rewardHead(1, size),
  ForProcessRewardModel: (_config, size) => rewardHead(2, size),
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

/** Linear, ReLU, Linear (Qwen 2's reward models, vLLM qwen2_rm.py): h*h + h + labels*h + labels. */
const rewardHead = (labels: number, size: number): Tensor[] => [
  ...scores("score.0", size, size, true),
  ...scores("score.2", labels, size, true),
];

/**
 * The class of the file where it is the family's with another head or with none: MistralModel beside
 * MistralForCausalLM, Gemma3TextModel beside Gemma3ForCausalLM. Names that no class of the family explains
 * (ChatGLMModel) say nothing here.
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
  if (parts === undefined || (parts.head !== HEADS.Model && hasEncoder(draft))) return undefined;
  const { stem } = parts;
  const stems = stem.endsWith("Text") ? [stem, stem.slice(0, -"Text".length)] : [stem];
  return stems.some((name) => ENDINGS.some((end) => known.includes(`${name}${end}`))) ? named : undefined;
}

/** Encoders of text classify in ways of their own, which their families know. */
const hasEncoder = ({ stacks }: ArchitectureDraft): boolean => stacks.some(({ role }) => role === "encoder");

/**
 * A note on the class of the file, where no rule of the family explains it: the family's usual class was sized.
 * Families that know no class by name say nothing.
 */
export function classNotKnown(config: ConfigReader, family: Family): readonly Note[] {
  const named = config.texts("architectures")?.[0];
  const known = family.classNames ?? [];
  if (named === undefined || known.length === 0) return [];
  const plain = named.toLowerCase();
  if ([...known, ...(family.alsoNamed ?? [])].some((name) => name.toLowerCase() === plain)) return [];
  const sizedAs = known[0]!;
  return [
    {
      code: "class-not-known",
      message: `${named} is no class of the ${family.id} family that is known here: sized as ${sizedAs}, so what it adds or leaves out is not counted`,
      details: { class: named, sizedAs },
    },
  ];
}

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
  const { stem, head: build } = headNamed(className)!;
  const head = build(config, draft.hiddenSize, stem);
  const message =
    head.length === 0
      ? `${className} is the model without its output head`
      : `${className} has ${head.at(-1)!.shape[0]} scores in place of the output head`;
  return {
    ...draft,
    tied: false,
    tensors: [...draft.tensors.filter(({ role }) => role !== "head"), ...head],
    notes: [...draft.notes, { code: "class-head", message, details: { class: className } }],
  };
}
