/** Rarer text decoders whose layers are built by hand, one line per family. */
import type { Family } from "../family.ts";
import { gemma4UnifiedText } from "./gemma4.ts";
import { longcatFlash } from "./longcat.ts";
import { olmoHybrid } from "./olmo-hybrid.ts";
import { openElm } from "./openelm.ts";

export const RARE_HYBRIDS: readonly Family[] = [gemma4UnifiedText, longcatFlash, olmoHybrid, openElm];
