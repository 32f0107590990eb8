/** The families in sets, so that a program bundles those that it needs: `architectureReader` takes any of them. */

export { COMPOSITES } from "./composites.ts";
export { DECODERS } from "./decoders.ts";
export { ENCODERS } from "./encoders.ts";
export { HYBRIDS } from "./hybrids.ts";
export { RARE_AUDIO, RARE_COMPOSITES, RARE_DECODERS, RARE_ENCODERS } from "./rare.ts";
export { RARE_IMAGES } from "./rare-images.ts";
