/** The text decoders whose layers are all attention and that the catalogue or most published configs name, one line per family. */
import type { Family } from "../family.ts";
import { bloom, falcon, mpt } from "./alibi.ts";
import { chatglm } from "./chatglm.ts";
import { dbrx } from "./dbrx.ts";
import { deepseekV4 } from "./deepseek-v4.ts";
import { dots1 } from "./dots.ts";
import { ernie45Moe } from "./ernie-moe.ts";
import { exaone, exaone4, exaoneMoe } from "./exaone.ts";
import { graniteMoe, graniteMoeShared } from "./granite-moe.ts";
import { hunyuanDense, hunyuanMoe } from "./hunyuan.ts";
import { baichuan, internlm, internlm2, internlm3 } from "./internlm.ts";
import { cohere, cohere2, nemotron, orion, stablelm, starcoder2 } from "./layer-norm.ts";
import { llama4Text } from "./llama4.ts";
import { MAIN_DECODERS } from "./main-decoders.ts";
import { mimoV2 } from "./mimo-v2.ts";
import { minicpm } from "./minicpm.ts";
import { minimaxM2 } from "./minimax.ts";
import { flexOlmo, olmo, olmo2, olmo3, olmoe } from "./olmo.ts";
import { opt } from "./opt.ts";
import { qwen1 } from "./qwen1.ts";

export const DECODERS: readonly Family[] = [
  ...MAIN_DECODERS,
  starcoder2,
  stablelm,
  nemotron,
  orion,
  cohere,
  cohere2,
  olmo,
  olmo2,
  olmo3,
  olmoe,
  flexOlmo,
  bloom,
  mpt,
  falcon,
  opt,
  graniteMoe,
  graniteMoeShared,
  hunyuanDense,
  hunyuanMoe,
  ernie45Moe,
  dbrx,
  llama4Text,
  deepseekV4,
  dots1,
  exaone,
  exaone4,
  minimaxM2,
  mimoV2,
  qwen1,
  internlm,
  internlm2,
  baichuan,
  chatglm,
  minicpm,
  exaoneMoe,
  internlm3,
];
