/** The families in sets, so that a program bundles those that it needs: `architectureReader` takes any of them. */
export { COMPOSITES } from "./composites.ts";
export { DECODERS } from "./decoders.ts";
export { ENCODERS } from "./encoders.ts";
export { HYBRIDS } from "./hybrids.ts";
export { RARE_COMPOSITES } from "./rare-composites.ts";
export { RARE_DECODERS } from "./rare-decoders.ts";
export { RARE_ENCODERS } from "./rare-encoders.ts";
export { RARE_HYBRIDS } from "./rare-hybrids.ts";
export { RARE_IMAGES } from "./rare-images.ts";
export { RARER_COMPOSITES } from "./rarer-composites.ts";
