import type { Family } from "../family.ts";
import { readVisionFacts } from "../vision-facts.ts";

/** Families whose configs say how images become tokens. Sets of text models do without, and so does a page of them. */
export const seeing = (families: readonly Family[]): readonly Family[] =>
  families.map((family) => ({ ...family, vision: readVisionFacts }));
