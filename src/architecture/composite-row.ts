/**
 * Composites as rows of facts: which language model, which towers, and what projects the one into the other.
 * Most classes differ in nothing else.
 */

import { composite, type LanguageModelOptions, languageModel, type TextNames } from "./composite.ts";
import type { ConfigReader } from "./config-reader.ts";
import { customCodeNote } from "./decoder-row.ts";
import type { Family, FamilyLookup } from "./family.ts";
import type { ArchitectureDraft, Tensor } from "./model.ts";
import type { Tower } from "./towers/tower.ts";
import type { VisionFacts } from "./vision-facts.ts";

/** What a projector is made from. */
export interface CompositeParts {
  readonly config: ConfigReader;
  readonly text: ArchitectureDraft;
  readonly textSize: number;
  /** Width of the first tower's first stack; the text's where that tower has no layers. */
  readonly visionSize: number;
}

export interface CompositeRow {
  readonly id: string;
  /** `model_type` values; `[id]` when absent. */
  readonly modelTypes?: readonly string[];
  readonly classNames: readonly string[];
  readonly text: LanguageModelOptions | ((config: ConfigReader) => LanguageModelOptions);
  readonly names: TextNames;
  readonly towers: (config: ConfigReader, families: FamilyLookup) => readonly Tower[];
  readonly projector?: (parts: CompositeParts) => readonly Tensor[];
  /** How images become tokens, where the keys of the config do not say it. */
  readonly vision?: (config: ConfigReader) => Partial<VisionFacts>;
  /** Refuses what the class refuses. */
  readonly check?: (config: ConfigReader, text: ArchitectureDraft) => void;
  /** Set for classes that live in a model's own repository: the layout that they follow. */
  readonly customCode?: string;
}

/** The family that a row describes. */
export function compositeFamily(row: CompositeRow): Family {
  return {
    id: row.id,
    modelTypes: row.modelTypes ?? [row.id],
    classNames: row.classNames,
    build: (config, families) => buildComposite(row, config, families),
  };
}

function buildComposite(row: CompositeRow, config: ConfigReader, families: FamilyLookup): ArchitectureDraft {
  const options = typeof row.text === "function" ? row.text(config) : row.text;
  const text = languageModel(config, families, options);
  row.check?.(config, text);
  const towers = row.towers(config, families);
  const parts: CompositeParts = {
    config,
    text,
    textSize: text.hiddenSize,
    visionSize: towers[0]?.stacks[0]?.hiddenSize ?? text.hiddenSize,
  };
  const draft: ArchitectureDraft = {
    ...composite({
      family: row.id,
      config,
      text,
      names: row.names,
      towers,
      projector: row.projector?.(parts) ?? [],
    }),
    ...(row.vision === undefined ? {} : { vision: row.vision(config) }),
  };
  if (row.customCode === undefined) return draft;
  const note = customCodeNote(config.text("model_type", row.id), row.customCode);
  return { ...draft, notes: [...draft.notes, note] };
}
