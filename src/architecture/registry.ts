import {
  COMPOSITES,
  DECODERS,
  ENCODERS,
  HYBRIDS,
  RARE_AUDIO,
  RARE_COMPOSITES,
  RARE_DECODERS,
  RARE_ENCODERS,
  RARE_IMAGES,
} from "./families/index.ts";
import type { Family } from "./family.ts";
import { architectureReader, type ReadArchitecture } from "./read-architecture.ts";

const decoders = [...DECODERS, ...RARE_DECODERS];
const others = [
  ...HYBRIDS,
  ...COMPOSITES,
  ...ENCODERS,
  ...RARE_COMPOSITES,
  ...RARE_ENCODERS,
  ...RARE_IMAGES,
  ...RARE_AUDIO,
];

/** Every family. A new one is a file under `families/` and its line in one of the sets there. */
export const FAMILIES: readonly Family[] = [...decoders, ...others];

/**
 * The model that a parsed config.json describes.
 *
 * @throws bad-config for a key that is missing or impossible, unsupported-model for a `model_type` that
 * no family reads.
 * @example readArchitecture(findCatalogueEntry("llama-3.1-8b").entry.config, "config.json").parameters.total // 8_030_261_248
 */
export const readArchitecture: ReadArchitecture = architectureReader({ decoders, others });
