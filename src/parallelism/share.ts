import type { Architecture, LayerKind } from "../architecture/model.ts";
import { countParameters } from "../architecture/parameters.ts";
import { onceForEach } from "../remember.ts";
import type { Degrees } from "./degrees.ts";
import { dividedLayers, dividedStack, uncountedSlice } from "./layer-range.ts";
import { tensorShare, uncountedShare } from "./tensor-share.ts";

/** What every device of one pipeline stage holds. */
export interface DeviceShare {
  /** "all" on one device; else "pp0", "pp1", ... for the stages and "rank" for a run without any. */
  readonly id: string;
  /** Devices that hold exactly this: tp * dp. */
  readonly count: number;
  /** Position in the pipeline, from 0. */
  readonly stage: number;
  /** The part as a model of its own: every memory term reads it as it would a whole one. */
  readonly share: Architecture;
}

/**
 * Layers of each pipeline stage: equal parts, and a remainder to the stages before the last, from the back,
 * because the last one holds the head (vLLM `distributed/utils.py` get_pp_indices).
 *
 * @example stageLayers(80, 3) // [27, 27, 26]
 */
export function stageLayers(layers: number, pp: number): readonly number[] {
  const each = Math.floor(layers / pp);
  const stages = new Array<number>(pp).fill(each);
  const remainder = layers - each * pp;
  for (let i = 0; i < remainder; i++) {
    const stage = pp - 2 - i;
    stages[stage < 0 ? pp - 1 : stage]!++;
  }
  return stages;
}

/**
 * The parts that a run's devices hold, one per pipeline stage; the ranks of a stage are alike.
 * Check the degrees first (`checkDegrees`).
 *
 * @example deviceShares(llama_3_1_8b, { tp: 2, pp: 1, ep: 1, dp: 1 })[0].share.parameters.total
 * // 4_015_263_744 = 8,030,261,248 / 2 plus half of the 65 norms of 4096, which both ranks hold
 */
export function deviceShares(model: Architecture, degrees: Degrees): readonly DeviceShare[] {
  return divided(model, `${degrees.tp} ${degrees.pp} ${degrees.ep} ${degrees.dp}`, degrees);
}

const divided = onceForEach((model: Architecture, _key: string, degrees: Degrees) => divide(model, degrees));

function divide(model: Architecture, { tp, pp, ep, dp }: Degrees): readonly DeviceShare[] {
  const tensorDegrees = { tp, ep, expertTp: Math.max(1, Math.ceil(tp / ep)) };
  const count = tp * dp;
  if (pp === 1 || dividedStack(model) === undefined) {
    const share = tensorShare(model, tensorDegrees);
    return [{ id: count === 1 ? "all" : "rank", count, stage: 0, share }];
  }
  let firstLayer = 0;
  const kinds = new Map<LayerKind, LayerKind>();
  const parts: Architecture[] = [];
  return stageLayers(dividedLayers(model), pp).map((stageSize, stage) => {
    const slice = uncountedSlice(model, {
      firstLayer,
      layers: stageSize,
      input: stage === 0,
      output: stage === pp - 1,
    });
    firstLayer += stageSize;
    const part = uncountedShare(slice, tensorDegrees, kinds);
    const alike = parts.find((known) => sameParts(known, part));
    const share = { ...part, parameters: alike?.parameters ?? countParameters(part) };
    parts.push(share);
    return { id: `pp${stage}`, count, stage, share };
  });
}

/** Two inner stages with the same layers: they differ in nothing but which layers those are. */
export function sameParts(a: Architecture, b: Architecture): boolean {
  if (a.tensors.length > 0 || b.tensors.length > 0 || a.stacks.length !== b.stacks.length) return false;
  return a.stacks.every((stack, s) => {
    const other = b.stacks[s]!;
    return (
      stack.kinds.length === other.kinds.length &&
      stack.kinds.every((kind, k) => kind === other.kinds[k]) &&
      stack.runs.length === other.runs.length &&
      stack.runs.every((run, r) => run.kind === other.runs[r]!.kind && run.count === other.runs[r]!.count)
    );
  });
}
