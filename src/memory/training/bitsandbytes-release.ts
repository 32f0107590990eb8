import type { Versioned } from "../../engines/versions.ts";
import { releaseRow } from "./release.ts";

/** What a release of bitsandbytes does otherwise than the one that is read. */
export interface BitsandbytesRelease extends Versioned {
  /**
   * `MatMul4Bit` puts its input in an attribute of the graph although the weight is frozen: every packed linear keeps its
   * input, as long as the graph lives.
   */
  readonly keepsInput: boolean;
}

/** The release that was read. */
export const BITSANDBYTES_READ = "0.48";

/** The last release that keeps inputs. */
export const BITSANDBYTES_KEEPING = "0.43.1";

/** 0.43.2 (its release notes: "activations being unnecessary for frozen parameters", 10.1 GB for 1,024 tokens of a 70B). */
const RELEASES: readonly [BitsandbytesRelease, ...BitsandbytesRelease[]] = [
  { version: "0.39", date: "2023-05", keepsInput: true },
  { version: "0.43.2", date: "2024-07", keepsInput: false },
];

/**
 * What the release of this version does.
 *
 * @throws bad-option for what is no version
 * @example bitsandbytesRelease("0.43.1").keepsInput // true
 */
export const bitsandbytesRelease = (version: string): BitsandbytesRelease =>
  releaseRow(RELEASES, version, {
    option: "--bitsandbytes",
    called: "bitsandbytes",
    versions: /^0(\.\d{1,3}){1,2}$/,
    such: `${BITSANDBYTES_KEEPING} or ${BITSANDBYTES_READ}`,
  });
