import { VramCalcError } from "../errors.ts";

/** What `--images` asks for: how many images each prompt holds, and their size where it is given. */
export interface ImagesRequest {
  readonly count: number;
  /** Pixels; both or neither. */
  readonly width?: number;
  readonly height?: number;
}

const MOST_IMAGES = 65_536;
const MOST_PIXELS = 65_536;

/**
 * Reads `--images`: a number of images per prompt, with their size where it matters.
 *
 * @throws bad-option
 * @example parseImages("2@1280x720") // { count: 2, width: 1280, height: 720 }
 */
export function parseImages(text: string): ImagesRequest {
  const match = /^(\d{1,6})(?:@(\d{1,6})x(\d{1,6}))?$/i.exec(text.trim());
  if (match === null) throw badImages(text);
  const count = Number(match[1]);
  const request =
    match[2] === undefined ? { count } : { count, width: Number(match[2]), height: Number(match[3]) };
  checkImages(request);
  return request;
}

function badImages(given: string): VramCalcError {
  return new VramCalcError("bad-option", {
    option: "--images",
    given: `"${given}"`,
    expected: `a number from 1 to ${MOST_IMAGES}, with a size if you like: 2 or 2@1280x720`,
  });
}

/** @throws bad-option for a number of images or a size out of range, or a width without a height */
export function checkImages({ count, width, height }: ImagesRequest): void {
  const whole = (n: number, most: number): boolean => Number.isSafeInteger(n) && n >= 1 && n <= most;
  const sides = [width, height].filter((side) => side !== undefined);
  if (!whole(count, MOST_IMAGES) || sides.length === 1 || !sides.every((side) => whole(side, MOST_PIXELS)))
    throw badImages(sides.length === 0 ? String(count) : `${count}@${width}x${height}`);
}
