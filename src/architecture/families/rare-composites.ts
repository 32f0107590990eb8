/** Rarer models with vision or audio towers, one line per family. */
import type { Family } from "../family.ts";
import { ASSISTANTS } from "./assistants.ts";
import { blip2, instructBlip, instructBlipVideo } from "./blip.ts";
import { blip, fuyu, git } from "./captioners.ts";
import { chameleon } from "./chameleon.ts";
import { compass, compassText } from "./compass.ts";
import { deepseekOcr2 } from "./deepseek-ocr2.ts";
import { deepseekVlHybrid, gotOcr2, paddleOcrVl, videoLlama3 } from "./document.ts";
import { ernie45VlMoe } from "./ernie-vl.ts";
import { florence2 } from "./florence.ts";
import { graniteSpeech, graniteSpeechPlus } from "./granite-speech.ts";
import { granite4Vision } from "./granite-vision.ts";
import { hunyuanVl } from "./hunyuan-vl.ts";
import { idefics } from "./idefics.ts";
import { visionEncoderDecoder } from "./image-readers.ts";
import { glm5Next } from "./indexed-latents.ts";
import { inkling } from "./inkling.ts";
import { janus } from "./janus.ts";
import { kosmos25 } from "./kosmos25.ts";
import { deepseekVl, lightOnOcr, llavaNextVideo, videoLlava, vipLlava } from "./llava.ts";
import { cosmosEdge, hyperClovaXVision, minicpmV46, qianfanOcr, step37 } from "./merged-patches.ts";
import { molmo } from "./molmo.ts";
import { kimiVl, locateAnything } from "./moonvit.ts";
import { nemotronHOmni, nemotronNanoVl } from "./nemotron-omni.ts";
import { qwen3Omni, qwen25Omni } from "./omni-whole.ts";
import { ovis2 } from "./ovis.ts";
import { phi4Multimodal, phi4mm } from "./phi4-multimodal.ts";
import { aria, ariaText, idefics2, kosmos2 } from "./queried.ts";
import { exaone45, glmOcr } from "./qwen-vl.ts";
import { qwen4Exp } from "./qwen4.ts";
import { dotsOcr } from "./remote-ocr.ts";
import { REMOTE_COMPOSITES } from "./remote-vision.ts";
import { RETRIEVERS } from "./retrievers.ts";

export const RARE_COMPOSITES: readonly Family[] = [
  ...ASSISTANTS,
  ...RETRIEVERS,
  compassText,
  compass,
  graniteSpeech,
  graniteSpeechPlus,
  nemotronHOmni,
  nemotronNanoVl,
  chameleon,
  deepseekOcr2,
  granite4Vision,
  hunyuanVl,
  florence2,
  idefics,
  visionEncoderDecoder,
  inkling,
  janus,
  git,
  blip,
  fuyu,
  kosmos25,
  qianfanOcr,
  hyperClovaXVision,
  minicpmV46,
  step37,
  cosmosEdge,
  llavaNextVideo,
  videoLlava,
  vipLlava,
  lightOnOcr,
  deepseekVl,
  deepseekVlHybrid,
  dotsOcr,
  gotOcr2,
  ovis2,
  paddleOcrVl,
  videoLlama3,
  exaone45,
  glmOcr,
  idefics2,
  aria,
  ariaText,
  blip2,
  instructBlip,
  instructBlipVideo,
  kosmos2,
  qwen25Omni,
  qwen3Omni,
  qwen4Exp,
  molmo,
  glm5Next,
  kimiVl,
  locateAnything,
  phi4Multimodal,
  phi4mm,
  ernie45VlMoe,
  ...REMOTE_COMPOSITES,
];
