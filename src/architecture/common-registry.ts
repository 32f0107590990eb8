/**
 * The families of the models that most people run: all that the catalogue names, and nearly every published config.
 * The rare ones are more than half of the code, and loading that takes longer than reading a file.
 */
import { VramCalcError } from "../errors.ts";
import { COMPOSITES } from "./families/composites.ts";
import { DECODERS } from "./families/decoders.ts";
import { ENCODERS } from "./families/encoders.ts";
import { HYBRIDS } from "./families/hybrids.ts";
import type { Architecture } from "./model.ts";
import { architectureReader } from "./read-architecture.ts";

const read = architectureReader({ decoders: DECODERS, others: [...HYBRIDS, ...COMPOSITES, ...ENCODERS] });

/** As `readArchitecture` of the registry, for the common families; null where a rarer one must be asked. */
export function readCommonArchitecture(value: unknown, file: string): Architecture | null {
  try {
    return read(value, file);
  } catch (error) {
    if (error instanceof VramCalcError && error.code === "unsupported-model") return null;
    throw error;
  }
}
