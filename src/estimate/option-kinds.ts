/** What each option of the estimates is: names and kinds as JavaScript has them at run time. */
import type { Architecture } from "../architecture/model.ts";
import type { EngineCard } from "../engines/engine.ts";
import { VramCalcError } from "../errors.ts";
import { checkOptions, type OptionKinds, shown } from "../known-options.ts";
import { ATTENTION_IMPLEMENTATIONS } from "../memory/attention-mask.ts";
import type { ImagesRequest } from "../memory/images-request.ts";
import type { DraftModel } from "./draft.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import type { ServedAdapters } from "./served-adapters.ts";
import type { ParallelRequest, TrainRequest } from "./train-request.ts";

const CARD: OptionKinds<EngineCard> = {
  totalBytes: "number!",
  generation: "string",
  smiTotalBytes: "number",
  computeCapability: "string",
  multiprocessors: "number",
};
const LORA: OptionKinds<ServedAdapters> = { rank: "number!", count: "number!", targets: "string or list!" };
const DRAFT: OptionKinds<DraftModel> = { id: "string!", model: "object!", dtype: "string", stored: "object" };
const IMAGES: OptionKinds<ImagesRequest> = { count: "number!", width: "number", height: "number" };

const ESTIMATE: OptionKinds<EstimateOptions> = {
  dtype: "string",
  kvDtype: "string",
  calibratedKv: "string",
  contextTokens: "number",
  batch: "number",
  weightsOnly: "boolean",
  stored: "object",
  engine: "string",
  tp: "number",
  pp: "number",
  ep: "number",
  dp: "number",
  devices: 1,
  card: CARD,
  engineOptions: "object",
  attention: ATTENTION_IMPLEMENTATIONS,
  padded: "boolean",
  lora: LORA,
  draft: DRAFT,
  mtp: "number",
  projectorFile: { id: "string!", bytes: "number!" },
  images: IMAGES,
};

const PARALLEL: OptionKinds<ParallelRequest> = {
  tp: "number",
  pp: "number",
  ep: "number",
  dp: "number",
  cp: "number",
  dpReplicate: "number",
  sequenceParallel: "boolean",
  sharding: "string",
  schedule: "string",
  virtualStages: "number",
  reshardAfterForward: "boolean",
  offloadOptimizer: "boolean",
  offloadWeights: "boolean",
};

const TRAIN: OptionKinds<TrainRequest> = {
  method: "string",
  precision: "string",
  seqTokens: "number",
  microBatch: "number",
  gradAccum: "number",
  optimizer: "string",
  optimizerInBackward: "boolean",
  optimizerRank: "number",
  checkpointing: "number or string",
  attention: "string",
  loss: "string",
  lossChunks: "number",
  holdLogits: "boolean",
  framework: "string",
  torch: "string",
  transformers: "string",
  bitsandbytes: "string",
  reentrantCheckpoints: "boolean",
  lengths: "string",
  expandableSegments: "boolean",
  compile: "string",
  fusedKernels: "boolean",
  loraRank: "number",
  loraTargets: "string or list",
  loraDropout: "number",
  adapterFormat: "string",
  baseFormat: "string",
  dora: "boolean",
  rslora: "boolean",
  quantization: "string",
  kbitPreparation: "boolean",
  unfrozenLayers: "number",
  reference: "string",
  towers: "string",
  contextBytes: "number",
  deviceBytes: "number",
  parallel: PARALLEL,
};

/** @throws bad-option for what is no model; what `checkOptions` throws */
export function checkEstimateOptions(model: Architecture, options: EstimateOptions): void {
  checkModel(model);
  checkOptions(options, ESTIMATE, "estimate");
}

/** @throws bad-option for what is no model; what `checkOptions` throws */
export function checkTrainRequest(model: Architecture, request: TrainRequest): void {
  checkModel(model);
  checkOptions(request, TRAIN, "train");
}

/** @throws bad-option for what is no model */
export function checkModel(model: unknown): void {
  if (Array.isArray((model as Architecture | null | undefined)?.stacks)) return;
  throw new VramCalcError("bad-option", {
    option: "model",
    given: shown(model),
    expected: "an architecture, as readArchitecture makes it; of what loadModel gives, its architecture",
  });
}
