/** Encoders of images and sounds published by themselves, and pairs of them: one line per family. */
import type { Family } from "../family.ts";
import { radio } from "./nemotron-omni.ts";
import { PAIRS } from "./pairs.ts";
import { PARTS } from "./parts.ts";
import { sam } from "./sam.ts";
import { seeing } from "./seeing.ts";
import { VITS } from "./vits.ts";

export const RARE_IMAGES: readonly Family[] = seeing([...VITS, ...PARTS, ...PAIRS, radio, sam]);
