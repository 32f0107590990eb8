/** The rarer families in four sets; `rare-images.ts` has those that see alone. */
import type { Family } from "../family.ts";
import { AUDIO_COMPOSITES } from "./audio-composites.ts";
import { AUDIO_RECOGNITION } from "./audio-recognition.ts";
import { AUDIO_SPEECH } from "./audio-speech.ts";
import { DRAFTS } from "./drafts.ts";
import { esm } from "./esm.ts";
import { LAYOUTS } from "./layouts.ts";
import { RARE_BERT } from "./rare-bert.ts";
import { RARE_COMPOSITES as IMAGE_COMPOSITES } from "./rare-composites.ts";
import { RARE_DECODERS as DECODER_ROWS } from "./rare-decoders.ts";
import { RARE_ENCODERS as ENCODER_ROWS } from "./rare-encoders.ts";
import { RARE_HYBRIDS } from "./rare-hybrids.ts";
import { RARE_ROTARY } from "./rare-rotary.ts";
import { RARE_SEQ2SEQ } from "./rare-seq2seq.ts";
import { REMOTE_DECODERS } from "./remote-decoders.ts";
import { seeing } from "./seeing.ts";
import { SPOKEN } from "./spoken.ts";
import { stateSpaces } from "./state-spaces.ts";
import { TRANSCRIBERS } from "./transcribers.ts";

/** Text models without any tower. */
export const RARE_DECODERS: readonly Family[] = [
  ...DECODER_ROWS,
  ...REMOTE_DECODERS,
  ...RARE_HYBRIDS,
  ...DRAFTS,
  stateSpaces,
];
/** Encoders of text, and encoders with a decoder. */
export const RARE_ENCODERS: readonly Family[] = [
  ...ENCODER_ROWS,
  ...RARE_BERT,
  ...LAYOUTS,
  esm,
  ...RARE_ROTARY,
  ...RARE_SEQ2SEQ,
];
/** Language models with eyes or ears. */
export const RARE_COMPOSITES: readonly Family[] = seeing([...IMAGE_COMPOSITES, ...AUDIO_COMPOSITES]);
/** Encoders and recognisers of speech. */
export const RARE_AUDIO: readonly Family[] = [
  ...AUDIO_SPEECH,
  ...AUDIO_RECOGNITION,
  ...SPOKEN,
  ...TRANSCRIBERS,
];
