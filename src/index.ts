/** `vram-calc`: the pure library. No IO, no Node built-ins; `vram-calc/sources` reads files and the hub. */
export { catalogueArchitecture, catalogueNames, findCatalogueEntry } from "./architecture/catalogue.ts";
export type * from "./architecture/model.ts";
export { readArchitecture } from "./architecture/registry.ts";
export { typicalArchitecture } from "./architecture/typical.ts";
export { type Budget, checkBudget } from "./budget.ts";
export { type ErrorCode, type ErrorDetails, EXIT, VramCalcError } from "./errors.ts";
export { type EstimateOptions, type EstimateResult, estimate } from "./estimate/estimate.ts";
export { type Basis, explainTerm, type Term, type TermId } from "./memory/term.ts";
export { formatBytes, formatCount, parseBytes, parseCount, parseTokens } from "./units.ts";
