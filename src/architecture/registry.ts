import { COMPOSITES } from "./families/composites.ts";
import { DECODERS } from "./families/decoders.ts";
import { ENCODERS } from "./families/encoders.ts";
import { HYBRIDS } from "./families/hybrids.ts";
import { RARE_DECODERS } from "./families/rare-decoders.ts";
import { RARE_ENCODERS } from "./families/rare-encoders.ts";
import type { Family } from "./family.ts";
import { architectureReader, type ReadArchitecture } from "./read-architecture.ts";

export type { ReadArchitectureOptions } from "./read-architecture.ts";

/** Every family, one line each. A new one is a file under `families/` and its line here. */
export const FAMILIES: readonly Family[] = [
  ...DECODERS,
  ...HYBRIDS,
  ...COMPOSITES,
  ...ENCODERS,
  ...RARE_DECODERS,
  ...RARE_ENCODERS,
];

/**
 * The model that a parsed config.json describes.
 *
 * @throws bad-config for a key that is missing or impossible, unsupported-model for a `model_type` that
 * no family reads.
 * @example readArchitecture(findCatalogueEntry("llama-3.1-8b").entry.config, "config.json").parameters.total // 8_030_261_248
 */
export const readArchitecture: ReadArchitecture = architectureReader(
  FAMILIES,
  new Set([...DECODERS, ...RARE_DECODERS]),
);
