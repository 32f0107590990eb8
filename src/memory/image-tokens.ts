import type { Architecture, Tensor } from "../architecture/model.ts";
import { crossAttention } from "../architecture/stack.ts";
import type { VisionFacts } from "../architecture/vision-facts.ts";
import { VramCalcError } from "../errors.ts";
import type { Tokens } from "../units.ts";
import { checkImages, type ImagesRequest } from "./images-request.ts";

/** What one image becomes. */
export interface ImageShape {
  /** Pixels asked for, or taken where none were. */
  readonly width: number;
  readonly height: number;
  /** Tokens that the language model reads. */
  readonly tokens: Tokens;
  /** Positions that the vision tower works on. */
  readonly patches: number;
  /** Tiles that it was cut into, the whole image included; 1 for an uncut one. */
  readonly tiles: number;
  /** Where the tokens go: into the context, or to layers of cross attention that read images alone (Llama 3.2). */
  readonly readBy: "context" | "cross-attention";
  /** The size was not given and decides the tokens. */
  readonly assumedSize: boolean;
}

/** Side taken for a tower of any size when none is given. */
const DEFAULT_SIDE = 1024;
/** Tokens that processors of native towers shrink larger images to unless they say: 12,845,056 pixels of 28 x 28 (Qwen2-VL). */
const MOST_NATIVE_TOKENS = 16_384;

/**
 * How one image of a request becomes patches and tokens.
 *
 *     native   cells = round(width / (patch * merge)) * round(height / (patch * merge)), at least one each, a half to
 *              the even neighbour; within the fewest and the most that the processor allows; or both sides rounded up;
 *              patches = cells * merge^2, tokens = cells (and one per row where rows end with a token)
 *     fixed    every image is resized: patches = floor(size / patch)^2, tokens = (size / patch / merge)^2
 *     tiles    the same per tile, times ceil(width / size) * ceil(height / size) tiles and one of the whole;
 *              where the longest side is stretched to n tiles, size is that side / n
 *
 * Pooled and resampled towers state their tokens; cross attention reads tiles filled up to their most. Not modelled:
 * text around images, processors set to other limits than their default, the choice of a tile grid by aspect ratio.
 * Sources: transformers `image_processing_qwen2_vl.py` smart_resize, `image_processing_pixtral.py`,
 * `modeling_internvl.py`; `navit_resize_image` of Kimi K2.5's repository; arXiv:2409.12191 (native sizes),
 * arXiv:2404.16821 (tiles).
 *
 * @throws bad-option for a model without a vision tower, or whose files do not say how images become tokens
 * @example imageShape(qwen2_5_vl_3b, { count: 1, width: 1280, ... }).tokens // 1196 = 46 x 26
 */
export function imageShape(model: Architecture, request: ImagesRequest): ImageShape {
  checkImages(request);
  const tensors = model.tensors.filter((tensor) => tensor.group === "vision");
  if (tensors.length === 0 && !model.stacks.some((stack) => stack.role === "vision"))
    throw noVision(model, "a model with a vision tower");
  const facts = model.forward?.vision;
  const patch = patchSide(tensors) ?? facts?.patchSize;
  if (facts === undefined || (patch === undefined && facts.tokensPerImage === undefined))
    throw noVision(model, "a config that says how images become tokens: their patch size or token count");
  const side = facts.imageSize;
  const taken = facts.sizing === "native" ? Math.min(DEFAULT_SIDE, side ?? DEFAULT_SIDE) : side;
  const { width = taken ?? DEFAULT_SIDE, height = taken ?? DEFAULT_SIDE } = request;
  const assumedSize = request.width === undefined && facts.sizing !== "fixed";
  const readBy = crossAttention(model).length > 0 ? "cross-attention" : "context";
  const shape = { width, height, assumedSize, readBy } as const;
  switch (facts.sizing) {
    case "native":
      return { ...shape, ...nativeCells(facts, { width, height, patch: patch! }), tiles: 1 };
    case "fixed": {
      const each = squareCells(facts, { side, patch, tensors, model });
      return { ...shape, ...each, tokens: each.tokens + (facts.marks ?? 0), tiles: 1 };
    }
    case "tiles": {
      const each = squareCells(facts, { side, patch, tensors, model });
      if (readBy === "cross-attention") {
        // Every image is filled up to the most tiles, each with a class token.
        const tiles = facts.mostTiles ?? 1;
        const patches = tiles * (each.patches + 1);
        return { ...shape, assumedSize: false, tokens: patches, patches, tiles };
      }
      const tiles = tilesOf(facts, { width, height, side: side ?? Math.max(width, height) });
      return { ...shape, tokens: tiles * each.tokens, patches: tiles * each.patches, tiles };
    }
  }
}

function noVision(model: Architecture, expected: string): VramCalcError {
  return new VramCalcError("bad-option", { option: "--images", given: `a ${model.family} model`, expected });
}

/** Side of a patch by the tensor that reads patches: [out, channels, (time,) p, p], or a matrix of 3 p p inputs. */
function patchSide(tensors: readonly Tensor[]): number | undefined {
  const convolution = tensors.find(({ shape }) => shape.length >= 4 && shape[1]! <= 4);
  if (convolution !== undefined) return convolution.shape.at(-1);
  const matrix = tensors.find(({ name, kind }) => kind === "linear" && /patch_embed/.test(name));
  const side = matrix === undefined ? Number.NaN : Math.sqrt(matrix.shape[1]! / 3);
  return Number.isSafeInteger(side) ? side : undefined;
}

interface Cells {
  readonly tokens: Tokens;
  readonly patches: number;
}

interface NativeImage {
  readonly width: number;
  readonly height: number;
  readonly patch: number;
}

function nativeCells(facts: VisionFacts, image: NativeImage): Cells {
  const { columns, rows } = facts.fill === true ? filledCells(facts, image) : nearestCells(facts, image);
  return {
    tokens: rows * (columns + (facts.rowBreaks === true ? 1 : 0)),
    patches: rows * columns * facts.merge ** 2,
  };
}

interface CellGrid {
  readonly columns: number;
  readonly rows: number;
}

/**
 * `smart_resize` of `image_processing_qwen2_vl.py` and its copies (GLM-4.1V, PaddleOCR-VL, Keye, Kimi): each side to
 * the nearest whole cell, and only where that makes too many or too few of them, by the square root of the pixels.
 */
function nearestCells(facts: VisionFacts, { width, height, patch }: NativeImage): CellGrid {
  const cell = patch * facts.merge;
  const most = facts.mostTokens ?? MOST_NATIVE_TOKENS;
  const fewest = facts.fewestTokens ?? 1;
  const near = { columns: toNearest(width / cell), rows: toNearest(height / cell) };
  const cells = near.columns * near.rows;
  if (cells > most) {
    const shrink = Math.sqrt((width * height) / (most * cell ** 2));
    const inside = (pixels: number): number => Math.max(1, Math.floor(pixels / shrink / cell));
    return { columns: inside(width), rows: inside(height) };
  }
  if (cells < fewest) {
    const stretch = Math.sqrt((fewest * cell ** 2) / (width * height));
    const outside = (pixels: number): number => Math.ceil((pixels * stretch) / cell);
    return { columns: outside(width), rows: outside(height) };
  }
  return near;
}

/** Python's `round`, of a half to the even neighbour: 22.5 cells are 22. Never less than one cell. */
function toNearest(cells: number): number {
  const below = Math.floor(cells);
  const rest = cells - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return Math.max(1, up ? below + 1 : below);
}

/** Pixtral's and MoonViT's processors shrink what is too long or has too many patches, and fill the last cells up. */
function filledCells(facts: VisionFacts, { width, height, patch }: NativeImage): CellGrid {
  const longest = facts.imageSize ?? Number.POSITIVE_INFINITY;
  const mostPatches = (facts.mostTokens ?? MOST_NATIVE_TOKENS) * facts.merge ** 2;
  const patches = Math.max(1, Math.floor(width / patch)) * Math.max(1, Math.floor(height / patch));
  const ratio = Math.max(1, width / longest, height / longest, Math.sqrt(patches / mostPatches));
  const filled = (pixels: number): number =>
    Math.ceil(Math.max(1, Math.floor(pixels / ratio)) / (patch * facts.merge));
  return { columns: filled(width), rows: filled(height) };
}

function squareCells(
  facts: VisionFacts,
  at: {
    readonly side: number | undefined;
    readonly patch: number | undefined;
    readonly tensors: readonly Tensor[];
    readonly model: Architecture;
  },
): Cells {
  const across = patchesAcross(at);
  const pooled = facts.tokensPerImage;
  if (across === undefined) {
    if (pooled === undefined) throw noVision(at.model, "a config that says the size of an image");
    return { tokens: pooled, patches: pooled * facts.merge ** 2 };
  }
  return { tokens: pooled ?? Math.floor(across / facts.merge) ** 2, patches: across ** 2 };
}

function patchesAcross({
  side,
  patch,
  tensors,
}: {
  readonly side: number | undefined;
  readonly patch: number | undefined;
  readonly tensors: readonly Tensor[];
}): number | undefined {
  if (side !== undefined && patch !== undefined) return Math.max(1, Math.floor(side / patch));
  // Learned positions: one per patch, and one more with a class token.
  const positions = tensors.find(({ role }) => role === "position-embedding")?.shape[0];
  if (positions === undefined || patch === undefined) return undefined;
  const across = Math.floor(Math.sqrt(positions));
  return across * across === positions || across * across + 1 === positions ? across : undefined;
}

function tilesOf(
  facts: VisionFacts,
  { width, height, side }: { readonly width: number; readonly height: number; readonly side: number },
): number {
  const most = facts.mostTiles ?? 1;
  // Stretched to a number of tiles, an image of any size has as many as its shape says.
  const tile = facts.longestTiles === undefined ? side : Math.max(width, height) / facts.longestTiles;
  const tiles = Math.min(most, Math.ceil(width / tile) * Math.ceil(height / tile));
  return tiles > 1 ? tiles + 1 : 1;
}
