/** `vram-calc`: the pure library. No IO, no Node built-ins; `vram-calc/sources` reads files and the hub. */
export { askedLinears as loraLinears } from "./adapters/asked-linears.ts";
export {
  isLoraTarget,
  type LoraLinear,
  type LoraRequest,
  loraParameterCount,
} from "./adapters/lora.ts";
export type { LoraTargets } from "./adapters/lora-targets.ts";
export { type MergedWeight, mergeWeight } from "./adapters/merge.ts";
export {
  type CatalogueHit,
  catalogueArchitecture,
  catalogueNames,
  findCatalogueEntry,
} from "./architecture/catalogue.ts";
export * as families from "./architecture/families/index.ts";
export type { ForwardFacts, RopeScaling } from "./architecture/forward-facts.ts";
export { ggufArchitecture } from "./architecture/gguf-model.ts";
export { type LinearEntry, layerGroups, linears } from "./architecture/layout.ts";
export type * from "./architecture/mixers/mixer.ts";
export type * from "./architecture/model.ts";
export {
  architectureReader,
  type FamilySets,
  type ReadArchitecture,
  type ReadArchitectureOptions,
} from "./architecture/read-architecture.ts";
export { readArchitecture } from "./architecture/registry.ts";
export { typicalArchitecture } from "./architecture/typical.ts";
export type { VisionFacts } from "./architecture/vision-facts.ts";
export { type Budget, checkBudget } from "./budget.ts";
export * as engines from "./engines/each.ts";
export { ENGINE_IDS, type EngineCard, type EngineId } from "./engines/engine.ts";
export { type ErrorCode, type ErrorDetails, EXIT, VramCalcError } from "./errors.ts";
export { estimate } from "./estimate/estimate.ts";
export type { EstimateOptions } from "./estimate/estimate-options.ts";
export { estimatorOf } from "./estimate/estimator.ts";
export { idleServingOptions } from "./estimate/idle-serving.ts";
export type { EffectiveRequest } from "./estimate/prepare.ts";
export type { DeviceEstimate, EstimateResult } from "./estimate/serve.ts";
export { type TrainDevice, type TrainResult, train } from "./estimate/train.ts";
export { trainReliefs } from "./estimate/train-reliefs.ts";
export type { TrainRequest } from "./estimate/train-request.ts";
export * as formats from "./formats/index.ts";
export type { Accelerator } from "./hardware/accelerator.ts";
export { acceleratorByName, findAccelerators } from "./hardware/lookup.ts";
export { type BatchLengths, batchLengths } from "./memory/batch-lengths.ts";
export { type CacheRow, cacheRows } from "./memory/cache-rows.ts";
export { type Band, type Basis, explainTerm, type Term, type TermId } from "./memory/term.ts";
export { type AssignmentRow, assignFormats } from "./quantization/assignment.ts";
export { ggufFileBytes } from "./quantization/gguf/gguf-file.ts";
export type { WeightStorage } from "./quantization/storage.ts";
export { QUANTIZATION_NAMES, storageByName } from "./quantization/storage-by-name.ts";
export { storageFromConfig } from "./quantization/storage-from-config.ts";
export { type Advice, advise } from "./solve/advice.ts";
export { largestBatch, longestContext, type SolveInput } from "./solve/inverse.ts";
export { fit, type ServingAnswer } from "./solve/serving-answer.ts";
export type { TrainSolveInput } from "./solve/train-search.ts";
export { fitTraining, type TrainingAnswer } from "./solve/training-answer.ts";
export type { ServingUnknown, TrainingUnknown } from "./solve/unknowns.ts";
export {
  type Bytes,
  formatBytes,
  formatCount,
  parseBytes,
  parseCount,
  parseTokens,
  type Tokens,
} from "./units.ts";
