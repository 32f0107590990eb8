import { DECODERS } from "./families/decoders.ts";
import { textRegistry } from "./text-registry.ts";

/** All text decoders whose layers are attention. */
export const decoderRegistry = textRegistry(DECODERS);
