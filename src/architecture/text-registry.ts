/**
 * The text decoders alone, for a program that starts on a config.json: nine in ten configs need no more, and
 * loading the others takes longer than reading the file.
 */
import { DECODERS } from "./families/decoders.ts";
import { architectureReader, type ReadArchitecture, TOWER_KEYS } from "./read-architecture.ts";

const modelTypes = new Set(DECODERS.flatMap((family) => family.modelTypes));

/** True when the text decoders read this config as all families together do. */
export function isTextConfig(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const config = value as Readonly<Record<string, unknown>>;
  return (
    typeof config.model_type === "string" &&
    modelTypes.has(config.model_type) &&
    TOWER_KEYS.every((key) => !Object.hasOwn(config, key))
  );
}

/** As `readArchitecture` of the registry, for configs that `isTextConfig` accepts. */
export const readTextArchitecture: ReadArchitecture = architectureReader({ decoders: DECODERS });
