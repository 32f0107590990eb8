/** A model in the words of every result. */

import { onceFor, onceForEach } from "../remember.ts";
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
export const modelSummary = onceFor(
  (loaded: {
    readonly id: string;
    readonly source: string;
    readonly revision?: string;
    readonly architecture: Architecture;
  }): ModelSummary => {
    const { id, source, revision, architecture } = loaded;
    return { id, source, family: architecture.family, ...(revision === undefined ? {} : { revision }) };
  },
);

/**
 * A model as plain data.
 *
 * @param counts parameters that only some results have
 */
export function modelFacts(
  summary: ModelSummary,
  architecture: Architecture,
  counts?: Readonly<Record<string, number>>,
): ModelFacts {
  const facts = plainFacts(architecture, summary);
  return counts === undefined ? facts : { ...facts, parameters: { ...facts.parameters, ...counts } };
}

/** A stream of requests asks for the same few models. */
const plainFacts = onceForEach(
  (architecture: Architecture, { id, source, family, revision }: ModelSummary): ModelFacts => ({
    id,
    source,
    family,
    parameters: parameterCounts(architecture),
    tied: architecture.stacks.length === 0 ? null : architecture.tied,
    ...(revision === undefined ? {} : { revision }),
  }),
);

function parameterCounts(architecture: Architecture): Readonly<Record<string, number>> {
  const { total, active, stored, groups, mtp } = architecture.parameters;
  const held = Object.entries(groups).filter(([, count]) => count > 0);
  return { total, active, stored, ...Object.fromEntries(held), mtp };
}
