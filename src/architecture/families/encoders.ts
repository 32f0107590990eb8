/** Encoders of text and images, and encoder-decoders, one line per family. */
import type { Family } from "../family.ts";
import { bart, m2m100, marian, mbart, pegasus } from "./bart.ts";
import { bert, roberta } from "./bert.ts";
import { albert, distilbert, electra, mpnet } from "./bert-relatives.ts";
import { debertaV2 } from "./deberta.ts";
import { clip, clipVisionModel, siglip, siglipVisionModel, vit } from "./image-text.ts";
import { modernbert, nomicBert } from "./modernbert.ts";
import { seeing } from "./seeing.ts";
import { mt5, t5, umt5 } from "./t5.ts";
import { whisper } from "./whisper.ts";

export const ENCODERS: readonly Family[] = seeing([
  bert,
  roberta,
  mpnet,
  distilbert,
  albert,
  electra,
  debertaV2,
  modernbert,
  nomicBert,
  clip,
  siglip,
  clipVisionModel,
  siglipVisionModel,
  vit,
  bart,
  mbart,
  pegasus,
  marian,
  m2m100,
  whisper,
  t5,
  mt5,
  umt5,
]);
