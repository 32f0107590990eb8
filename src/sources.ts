/** `vram-calc/sources`: everything that reads files, standard input or the network. */
export { type LoadedModel, type LoadOptions, loadModel, type SourceKind } from "./sources/load-model.ts";
