/** A draft model for speculative decoding: what it holds beside the model that it serves. */
import type { Architecture, Note } from "../architecture/model.ts";
import { defined } from "../defined.ts";
import type { EngineId } from "../engines/engine.ts";
import type { ServeOnEngine } from "../engines/engine-set.ts";
import { VramCalcError } from "../errors.ts";
import type { Term } from "../memory/term.ts";
import { weights } from "../memory/weights.ts";
import { checkDegrees, type Degrees } from "../parallelism/degrees.ts";
import { deviceShares } from "../parallelism/share.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import { storageByName } from "../quantization/storage-by-name.ts";
import { groupDigits } from "../units.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { servingTerms } from "./serve.ts";

/** A model for speculative decoding beside the one that is served. */
export interface DraftModel {
  readonly id: string;
  readonly model: Architecture;
  /** How its weights are stored. Default: as published, else bf16. */
  readonly dtype?: string;
  /** How its own files store them; taken when `dtype` is absent. */
  readonly stored?: WeightStorage;
}

export interface PreparedDraft {
  /** Terms by device of the run, in its order. */
  readonly termsOf: (device: { readonly index: number; readonly last: boolean }) => readonly Term[];
  readonly request: { readonly draft: string; readonly draftDtype: string };
  readonly notes: readonly Note[];
}

export interface DraftRun {
  readonly model: Architecture;
  readonly options: EstimateOptions;
  readonly prepared: Prepared;
  readonly degrees: Degrees;
  readonly engine: EngineId | null;
  /** What runs the engine; null with it. */
  readonly serveOn: ServeOnEngine | null;
  readonly version?: string;
}

/** Of the draft's own estimate: its activations and its process are the model's, at another moment. */
const HELD = ["weights", "kv-cache", "recurrent-state"] as const;

/** Flags of the model that do not reach a draft. */
const OWN_FLAGS = ["gpuLayers", "cpuExpertLayers", "cpuExperts", "projector", "speculativeTokens"];

/**
 * Weights and caches of a draft model at the context and sequences of the model, laid out as the engine does.
 *
 * It lies on the last stage of a pipeline (on every GPU under llama.cpp, which splits its layers too), divided
 * by the tensor ranks where its heads allow, else whole on each.
 *
 * @returns null when none is asked for
 * @example terms of qwen2.5-0.5b beside qwen2.5-7b at 4096 tokens: 988,065,536 B of weights and
 * 50,331,648 B of cache
 */
export function prepareDraft(run: DraftRun): PreparedDraft | null {
  const { draft } = run.options;
  if (draft === undefined) return null;
  const { model, prepared } = run;
  const own = prepare(
    draft.model,
    {
      contextTokens: prepared.contextTokens,
      batch: prepared.sequences,
      weightsOnly: prepared.weightsOnly,
      kvDtype: prepared.cacheFormat.id,
      ...defined({ dtype: draft.dtype, stored: draft.stored }),
    },
    storageByName,
  );
  const notes: Note[] = [...draft.model.notes, ...own.notes];
  const degrees = draftDegrees(draft.model, run, notes);
  const devices = draftDevices(draft.model, own, { run, degrees });
  if (draft.model.vocabSize !== model.vocabSize) notes.push(vocabularyNote(draft.model, model));
  if (!prepared.weightsOnly) notes.push(DRAFT_NOTE);
  return {
    termsOf: ({ index, last }) =>
      run.engine === "llama.cpp" ? (devices[index] ?? []) : last ? devices[0]! : [],
    request: { draft: draft.id, draftDtype: own.storage.id },
    notes,
  };
}

function draftDegrees(draft: Architecture, { degrees, engine }: DraftRun, notes: Note[]): Degrees {
  if (engine === "llama.cpp") return degrees;
  const divided = { tp: degrees.tp, pp: 1, ep: 1, dp: degrees.dp };
  try {
    checkDegrees(draft, divided);
    return divided;
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    notes.push({
      code: "draft-not-divided",
      message: `the draft model's heads do not divide by tp ${degrees.tp}: each rank holds it whole`,
      details: { tp: degrees.tp },
    });
    return { ...divided, tp: 1 };
  }
}

function draftDevices(
  draft: Architecture,
  own: Prepared,
  { run, degrees }: { readonly run: DraftRun; readonly degrees: Degrees },
): readonly (readonly Term[])[] {
  const { serveOn, options, version } = run;
  const labelled = (terms: readonly Term[]): readonly Term[] =>
    terms
      .filter(({ id }) => HELD.some((held) => held === id))
      .map((term) => ({ ...term, label: "draft" as const }));
  if (serveOn === null) {
    const sequences = Math.ceil(own.sequences / degrees.dp);
    return deviceShares(draft, degrees).map(({ share }) =>
      labelled(servingTerms(share, { ...own, sequences })),
    );
  }
  const flags = Object.entries(options.engineOptions ?? {}).filter(([name]) => !OWN_FLAGS.includes(name));
  const result = serveOn({
    ...Object.fromEntries(flags),
    model: draft,
    storage: own.storage,
    format: own.cacheFormat,
    contextTokens: own.contextTokens,
    sequences: own.sequences,
    computeBytes: 2,
    degrees,
    ...defined({ card: options.card, version }),
  });
  return result.devices.map(({ held, terms }) => labelled([weights(held, own.storage), ...terms]));
}

const DRAFT_NOTE: Note = {
  code: "draft-model",
  message:
    "the draft model is counted by its weights and its cache: it works between the model's steps, in memory that they use too",
};

function vocabularyNote(draft: Architecture, model: Architecture): Note {
  return {
    code: "draft-vocabulary",
    message: `the draft model's vocabulary of ${groupDigits(draft.vocabSize)} is not the model's of ${groupDigits(model.vocabSize)}: engines ask for the same tokens`,
    details: { draft: draft.vocabSize, model: model.vocabSize },
  };
}
