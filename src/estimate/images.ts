/** Images in the prompts: tokens for the context, work for the tower. */
import type { Architecture, Note } from "../architecture/model.ts";
import type { EngineId } from "../engines/engine.ts";
import { versionRow } from "../engines/versions.ts";
import { defaultLimits } from "../engines/vllm/profile.ts";
import { VLLM_VERSIONS } from "../engines/vllm/versions.ts";
import { type ImageShape, imageShape } from "../memory/image-tokens.ts";
import { imageWork } from "../memory/image-work.ts";
import type { Term } from "../memory/term.ts";
import { groupDigits, type Tokens } from "../units.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { defaultContext } from "./prepare.ts";

export interface PreparedImages {
  readonly shape: ImageShape;
  readonly count: number;
  /** The context with the tokens of the images. */
  readonly contextTokens: Tokens;
  /** Positions that cross attention reads. */
  readonly encoderTokens?: Tokens;
  readonly request: {
    readonly images: number;
    readonly imageSize: string;
    readonly imageTokens: number;
  };
  readonly notes: readonly Note[];
}

/**
 * What the images of a request become.
 *
 * @returns null when none are asked for
 * @throws bad-option for a model without a vision tower
 */
export function prepareImages(model: Architecture, options: EstimateOptions): PreparedImages | null {
  const { images } = options;
  if (images === undefined) return null;
  const { count } = images;
  const shape = imageShape(model, images);
  const all = count * shape.tokens;
  const cross = shape.readBy === "cross-attention";
  const added = cross ? 0 : all;
  // Without a context asked for, the default one makes room, as far as the model goes.
  const longest = model.maxContextTokens ?? Number.POSITIVE_INFINITY;
  const contextTokens =
    options.contextTokens === undefined
      ? Math.max(Math.min(defaultContext(model) + added, longest), added + 1)
      : options.contextTokens + added;
  return {
    shape,
    count,
    contextTokens,
    ...(cross ? { encoderTokens: all } : {}),
    request: { images: count, imageSize: `${shape.width}x${shape.height}`, imageTokens: shape.tokens },
    notes: notesOf(shape, { count, all, contextTokens }),
  };
}

function notesOf(
  shape: ImageShape,
  {
    count,
    all,
    contextTokens,
  }: { readonly count: number; readonly all: Tokens; readonly contextTokens: Tokens },
): readonly Note[] {
  const { width, height, tokens, tiles } = shape;
  const notes: Note[] = [
    {
      code: "image-tokens",
      message:
        shape.readBy === "context"
          ? `each image is ${groupDigits(tokens)} tokens: ${groupDigits(all)} of the context of ${groupDigits(contextTokens)} are images`
          : `each image is ${groupDigits(tokens)} positions of cross attention, outside the context`,
      details: { images: count, tokens, context: contextTokens },
    },
  ];
  if (shape.assumedSize)
    notes.push({
      code: "image-size-assumed",
      message: `images are taken to be ${width} x ${height}; --images ${count}@WIDTHxHEIGHT sets another size`,
      details: { width, height },
    });
  if (tiles > 1 && shape.readBy === "context")
    notes.push({
      code: "image-tiles-assumed",
      message: `${tiles} tiles per image, the whole one included: processors choose the grid by the aspect ratio`,
      details: { tiles },
    });
  return notes;
}

/**
 * The work of the tower on a device. Together go: all images of the batch; under vLLM as many as its token
 * budget takes; under SGLang those of one prompt; under llama.cpp one, in F32 and in a buffer of its own.
 */
export function imageTerm(
  images: PreparedImages,
  at: {
    readonly held: Architecture;
    /** The model's own terms on the device. */
    readonly terms: readonly Term[];
    readonly engine: EngineId | null;
    readonly version: string | undefined;
    readonly options: EstimateOptions;
    readonly sequences: number;
    readonly computeBytes: number;
  },
): Term | null {
  const { shape, count } = images;
  const every = at.sequences * count;
  let laterBytes = 0;
  for (const term of at.terms)
    if (term.id === "activations" || term.id === "logits") laterBytes += term.bytes;
  const base = { shape, laterBytes, computeBytes: at.computeBytes, ownBuffer: false };
  switch (at.engine) {
    case null:
    case "transformers":
      return imageWork(at.held, { ...base, together: every, kept: every });
    case "sglang":
      return imageWork(at.held, { ...base, together: count, kept: count });
    case "vllm": {
      const asked = at.options.engineOptions?.maxBatchedTokens;
      const version = versionRow(VLLM_VERSIONS, at.version);
      const { maxBatchedTokens } = defaultLimits(at.options.card, {
        version,
        contextTokens: images.contextTokens,
      });
      const budget = typeof asked === "number" ? asked : maxBatchedTokens;
      const together = Math.min(every, Math.max(1, Math.floor(budget / shape.tokens)));
      return imageWork(at.held, { ...base, together, kept: together });
    }
    case "llama.cpp":
      // The embeddings wait in the host's memory.
      return imageWork(at.held, { ...base, computeBytes: 4, together: 1, kept: 0, ownBuffer: true });
  }
}
