/** The families in sets, so that a program bundles those that it needs: `architectureReader` takes any of them. */

export { AUDIO_SPEECH } from "./audio-speech.ts";
export { COMPOSITES } from "./composites.ts";
export { DECODERS } from "./decoders.ts";
export { ENCODERS } from "./encoders.ts";
export { HYBRIDS } from "./hybrids.ts";
export { RARE_BERT } from "./rare-bert.ts";
export { RARE_COMPOSITES } from "./rare-composites.ts";
export { RARE_DECODERS } from "./rare-decoders.ts";
export { RARE_ENCODERS } from "./rare-encoders.ts";
export { RARE_HYBRIDS } from "./rare-hybrids.ts";
export { RARE_IMAGES } from "./rare-images.ts";
export { RARE_SEQ2SEQ } from "./rare-seq2seq.ts";
export { RARER_COMPOSITES } from "./rarer-composites.ts";
