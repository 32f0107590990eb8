/** Rarer text decoders whose layers are built by hand, one line per family. */
import type { Family } from "../family.ts";
import { hrmText } from "./hrm.ts";
import { inklingText } from "./inkling.ts";
import { longcatFlash } from "./longcat.ts";
import { olmoHybrid } from "./olmo-hybrid.ts";
import { openElm } from "./openelm.ts";
import { qwen4ExpText } from "./qwen4.ts";
import { recurrentGemma } from "./recurrent-gemma.ts";
import { rwkv4 } from "./rwkv.ts";
import { xlstm } from "./xlstm.ts";
import { zamba } from "./zamba.ts";
import { zamba2 } from "./zamba2.ts";
import { zaya } from "./zaya.ts";

export const RARE_HYBRIDS: readonly Family[] = [
  zaya,
  hrmText,
  inklingText,
  longcatFlash,
  olmoHybrid,
  openElm,
  qwen4ExpText,
  rwkv4,
  xlstm,
  zamba,
  zamba2,
  recurrentGemma,
];
