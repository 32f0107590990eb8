/**
 * Text decoders alone, for a program that starts on a config.json: nine in ten configs need no more, and loading
 * the other families takes longer than reading the file.
 */
import { isDraft } from "./draft-keys.ts";
import type { Family } from "./family.ts";
import { architectureReader, type ReadArchitecture, TOWER_KEYS } from "./read-architecture.ts";

export interface TextRegistry {
  /** True when these decoders read a config as all families together do. */
  readonly reads: (value: unknown) => boolean;
  /** As `readArchitecture` of the registry, for configs that `reads` accepts. */
  readonly read: ReadArchitecture;
}

/** @example textRegistry(families.DECODERS).reads({ model_type: "llama", vision_config: {} }) // false */
export function textRegistry(decoders: readonly Family[]): TextRegistry {
  const modelTypes = new Set(decoders.flatMap((family) => family.modelTypes));
  return {
    reads: (value) => {
      if (typeof value !== "object" || value === null) return false;
      const config = value as Readonly<Record<string, unknown>>;
      return (
        typeof config.model_type === "string" &&
        modelTypes.has(config.model_type) &&
        !isDraft(config) &&
        TOWER_KEYS.every((key) => !Object.hasOwn(config, key))
      );
    },
    read: architectureReader({ decoders }),
  };
}
