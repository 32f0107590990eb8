/** Pairs of encoders as rows of facts: a tower of text, a tower of images, and what lies between them. */
import { classNamed } from "./class-named.ts";
import { part, projection } from "./composite.ts";
import { type ConfigReader, withDefaults } from "./config-reader.ts";
import type { Family } from "./family.ts";
import type { ArchitectureDraft, Tensor } from "./model.ts";
import { vector } from "./tensors.ts";
import type { TowerBuilder } from "./towers/image-encoders.ts";
import type { Tower } from "./towers/tower.ts";

export interface PairSides {
  readonly config: ConfigReader;
  readonly textSize: number;
  readonly visionSize: number;
  /** projection_dim. */
  readonly shared: number;
}

export interface PairRow {
  readonly id: string;
  /** The class, and those with heads: what each adds. */
  readonly classes: { readonly [className: string]: (sides: PairSides) => readonly Tensor[] };
  readonly textDefaults: Readonly<Record<string, unknown>>;
  readonly text: (config: ConfigReader) => Tower;
  readonly vision: TowerBuilder;
  readonly visionDefaults?: Readonly<Record<string, unknown>>;
  /** Between the towers; a projection each and a scale when absent. */
  readonly between?: (sides: PairSides) => readonly Tensor[];
  readonly shared?: number;
}

const SCALE = vector("logit_scale", "other", [1]);

/** A projection of each side into the shared space, and a scale. */
export const twoProjections = ({ textSize, visionSize, shared }: PairSides): Tensor[] => [
  ...matrix("text_projection", shared, textSize),
  ...projection("visual_projection", shared, visionSize, false),
  SCALE,
];

/** The family that a row describes. */
export function pairFamily(row: PairRow): Family {
  const classNames = Object.keys(row.classes);
  return {
    id: row.id,
    modelTypes: [row.id],
    classNames,
    build: (config) => {
      const head = row.classes[classNamed(config, classNames)]!;
      const text = withDefaults(part(config, "text_config"), row.textDefaults);
      const vision = row.vision(
        withDefaults(part(config, "vision_config"), row.visionDefaults ?? {}),
        "vision_model",
      );
      const sides: PairSides = {
        config,
        textSize: text.int("hidden_size"),
        visionSize: vision.stacks[0]!.hiddenSize,
        shared: config.int("projection_dim", row.shared ?? 512),
      };
      return pair({
        family: row.id,
        config,
        text,
        towers: [row.text(text), vision],
        tensors: [...(row.between ?? twoProjections)(sides), ...head(sides)],
      });
    },
  };
}

/** Weight [out, in] of what lies between the two encoders. */
export const matrix = (name: string, outDim: number, inDim: number, bias = false): Tensor[] =>
  projection(name, outDim, inDim, bias, "other");

/** Two encoders and what lies between them: images stay in their own, so that none of their tokens reach the text. */
export function pair(spec: {
  readonly family: string;
  readonly config: ConfigReader;
  readonly text: ConfigReader;
  readonly towers: readonly Tower[];
  readonly tensors: readonly Tensor[];
}): ArchitectureDraft {
  const { text, towers } = spec;
  const stacks = towers.flatMap((tower) => tower.stacks);
  return {
    family: spec.family,
    modelType: spec.config.text("model_type", spec.family),
    hiddenSize: text.int("hidden_size"),
    vocabSize: text.int("vocab_size"),
    tied: false,
    maxContextTokens: text.int("max_position_embeddings"),
    norm: "layer",
    stacks,
    ...(stacks.some(({ role }) => role === "vision") ? { vision: { tokensPerImage: 0 } } : {}),
    tensors: [...towers.flatMap((tower) => tower.tensors), ...spec.tensors],
    notes: [],
  };
}
