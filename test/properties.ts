import fc from "fast-check";

const SCALE = Number(process.env.VRAM_CALC_FUZZ) || 1;

/**
 * Cases that a property test tries. The default seed is fixed, so that a commit is green or red for what it
 * changes and not for the draw of the day; `VRAM_CALC_FUZZ=50 npm test` draws fresh seeds and fifty times
 * the cases, and prints the seed of what fails.
 *
 * @example cases(600) // 600
 */
export function cases(count: number): number {
  return count * SCALE;
}

if (process.env.VRAM_CALC_FUZZ === undefined) fc.configureGlobal({ seed: 20_261_128 });

export { fc };
