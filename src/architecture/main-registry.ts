import { MAIN_DECODERS } from "./families/main-decoders.ts";
import { textRegistry } from "./text-registry.ts";

/** The text decoders of most published configs. */
export const mainRegistry = textRegistry(MAIN_DECODERS);
