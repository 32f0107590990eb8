/** Encoders of images or sounds published by themselves: a tower, and what the class named in the file adds. */
import { defined } from "../defined.ts";
import { classNamed } from "./class-named.ts";
import type { ConfigReader } from "./config-reader.ts";
import type { Family } from "./family.ts";
import type { ArchitectureDraft, Note, Tensor } from "./model.ts";
import type { TowerBuilder } from "./towers/image-encoders.ts";
import type { Tower } from "./towers/tower.ts";

/** What a head is made from. */
export interface TowerHeadContext {
  readonly config: ConfigReader;
  readonly hiddenSize: number;
}

export interface TowerRow {
  readonly id: string;
  /** `model_type` values; `[id]` when absent. */
  readonly modelTypes?: readonly string[];
  readonly tower: TowerBuilder;
  /** Path of the tower in the class; in the first of several heads, the tower is the class. */
  readonly prefix: string;
  /**
   * What each class adds to the tower; the first one is meant when the file names none. Absent when the tower
   * is all there is, whatever class the file names.
   */
  readonly heads?: { readonly [className: string]: (context: TowerHeadContext) => readonly Tensor[] | Tower };
}

const NO_TEXT: Note = {
  code: "no-text",
  message:
    "no layer reads text: a sequence is one image or sound, and the context counts its patches or frames",
};

const sides = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value, value]);

/**
 * The most positions of one input where the config fixes its size: the frames of a sound, or the patches of an image
 * and a token of the class, which some towers leave out. Of videos and of other shapes nothing is said.
 */
function positionsOf({ raw }: ConfigReader): number | undefined {
  if (raw.max_source_positions !== undefined) return positive(raw.max_source_positions);
  const [height, width, ...depth] = sides(raw.image_size);
  const [patchHeight, patchWidth] = sides(raw.patch_size);
  if (depth.length > 0 || raw.num_frames !== undefined) return undefined;
  const patches =
    Math.floor(Number(height) / Number(patchHeight)) * Math.floor(Number(width) / Number(patchWidth));
  return positive(patches + 1);
}

const positive = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) > 1 ? (value as number) : undefined;

/** A tower as a model: no tokens of text, no embedding, no logits. */
export function towerAlone(
  family: string,
  config: ConfigReader,
  tower: Tower,
  head: readonly Tensor[] | Tower = [],
): ArchitectureDraft {
  const { stacks, tensors } = "stacks" in head ? head : { stacks: [], tensors: head };
  return {
    family,
    modelType: config.text("model_type", family),
    hiddenSize: tower.stacks[0]!.hiddenSize,
    vocabSize: 0,
    tied: false,
    norm: "layer",
    stacks: [...tower.stacks, ...stacks],
    tensors: [...tower.tensors, ...tensors],
    ...defined({ maxContextTokens: positionsOf(config) }),
    notes: [NO_TEXT],
  };
}

/** The family that a row describes. */
export function towerFamily(row: TowerRow): Family {
  const { id, heads = {} } = row;
  const known = Object.keys(heads);
  return {
    id,
    modelTypes: row.modelTypes ?? [id],
    classNames: known,
    build: (config) => {
      const named = known.length === 0 ? undefined : classNamed(config, known);
      const head = named === undefined ? undefined : heads[named];
      const tower = row.tower(config, named !== undefined && named === known[0] ? "" : row.prefix);
      return towerAlone(id, config, tower, head?.({ config, hiddenSize: tower.stacks[0]!.hiddenSize }));
    },
  };
}
