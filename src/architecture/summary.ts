/** A model in the words of every result. */
import type { Architecture } from "./model.ts";

export interface ModelSummary {
  readonly id: string;
  readonly source: string;
  readonly family: string;
  /** Resolved commit of a hub model. */
  readonly revision?: string;
}

/** `model` of every result. */
export interface ModelFacts extends ModelSummary {
  /** total, active, stored, every group that the model has, mtp; trainable where it is trained. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Null where tensors alone are known. */
  readonly tied: boolean | null;
}

/** What names a loaded model. */
export function modelSummary(loaded: {
  readonly id: string;
  readonly source: string;
  readonly revision?: string;
  readonly architecture: Architecture;
}): ModelSummary {
  const { id, source, revision, architecture } = loaded;
  return { id, source, family: architecture.family, ...(revision === undefined ? {} : { revision }) };
}

/**
 * A model as plain data.
 *
 * @param counts parameters that only some results have
 */
export function modelFacts(
  { id, source, family, revision }: ModelSummary,
  { parameters, tied, stacks }: Architecture,
  counts: Readonly<Record<string, number>> = {},
): ModelFacts {
  const groups = Object.entries(parameters.groups).filter(([, count]) => count > 0);
  return {
    id,
    source,
    family,
    parameters: {
      total: parameters.total,
      active: parameters.active,
      stored: parameters.stored,
      ...Object.fromEntries(groups),
      mtp: parameters.mtp,
      ...counts,
    },
    tied: stacks.length === 0 ? null : tied,
    ...(revision === undefined ? {} : { revision }),
  };
}
