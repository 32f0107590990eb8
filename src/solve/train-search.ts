/** Inverse questions of training on a layout that is given: the answer fits and the next one does not. */
import type { Architecture } from "../architecture/model.ts";
import { train } from "../estimate/train.ts";
import type { TrainRequest } from "../estimate/train-request.ts";
import type { Bytes, Tokens } from "../units.ts";
import { largestThatFits } from "./search.ts";

export interface TrainSolveInput {
  readonly model: Architecture;
  /** Everything but the unknown. */
  readonly request: TrainRequest;
  /** Bytes that the worst device may take: what nvidia-smi shows. */
  readonly budgetBytes: Bytes;
}

/** Larger micro-batches are not searched. */
export const LARGEST_MICRO_BATCH = 2 ** 16;
export const LONGEST_SEQUENCE: Tokens = 2 ** 24;

/** The request on cards of the budget's size: the allocator's cache, which is given back on a full card, ends with them. */
export const onCard = ({ request, budgetBytes }: Omit<TrainSolveInput, "model">): TrainRequest => ({
  deviceBytes: budgetBytes,
  ...request,
});

/** What the worst device has beside the step; negative where it does not hold it. */
function spareOf({ model, request, budgetBytes }: TrainSolveInput): number {
  return budgetBytes - train(model, onCard({ request, budgetBytes })).total.bytes;
}

/** The largest micro-batch that fits; 0 when one sequence does not. */
export function largestMicroBatch({ model, request, budgetBytes }: TrainSolveInput): number {
  return largestThatFits({
    limit: LARGEST_MICRO_BATCH,
    headroom: (microBatch) => spareOf({ model, request: { ...request, microBatch }, budgetBytes }),
  });
}

/** Where the search for a sequence length ends: the positions that the model declares. */
export const sequenceLimit = (model: Architecture): Tokens => model.maxContextTokens ?? LONGEST_SEQUENCE;

/** The longest sequence that fits, at most the model's own maximum; 0 when one token does not. */
export function longestSequence({ model, request, budgetBytes }: TrainSolveInput): Tokens {
  return largestThatFits({
    limit: sequenceLimit(model),
    headroom: (seqTokens) => spareOf({ model, request: { ...request, seqTokens }, budgetBytes }),
  });
}
