import type { Architecture } from "../architecture/model.ts";
import { peakElements, widestVisionLayer } from "../engines/layer-widths.ts";
import type { Bytes } from "../units.ts";
import type { ImageShape } from "./image-tokens.ts";
import type { Term } from "./term.ts";

export interface ImageWorkInput {
  readonly shape: ImageShape;
  /** Images that go through the tower at once. */
  readonly together: number;
  /** Images whose embeddings wait for the language model. */
  readonly kept: number;
  /** Bytes of one value: 2 for bf16, 4 in llama.cpp's graphs. */
  readonly computeBytes: number;
  /** Activations and logits of the language model, whose memory the tower used before it. */
  readonly laterBytes: Bytes;
  /** The tower's buffer is its own and stays (llama.cpp). */
  readonly ownBuffer: boolean;
}

/**
 * What images add besides their tokens: embeddings that wait for the language model, and what the tower needs
 * beyond the moment of the language model that comes after it.
 *
 *     embeddings = kept * tokens * hidden * 2 B
 *     tower      = together * patches * (4 h + the widest mixer or feed-forward) * 2 B    (`widestVisionLayer`)
 *     bytes      = embeddings + max(0, tower - activations - logits)
 *
 * Flash attention is taken for granted. The band runs from the embeddings alone, where towers work in parts,
 * to a tower that gets no memory back.
 *
 * @returns null on a device that does not hold the tower
 * @example imageWork(qwen2_5_vl_3b, { shape of 1280 x 720, together: 1, kept: 1, ... }).bytes
 * // 4_898_816 = 1196 x 2048 x 2: 4784 patches need less than a chunk of 2048 tokens
 */
export function imageWork(model: Architecture, input: ImageWorkInput): Term | null {
  const widths = widestVisionLayer(model);
  const holds = widths !== null || model.tensors.some((tensor) => tensor.group === "vision");
  if (!holds) return null;
  const { shape, computeBytes, laterBytes, ownBuffer } = input;
  const each = widths === null ? 0 : peakElements(widths);
  const tower = input.together * shape.patches * each * computeBytes;
  const embeddings = input.kept * shape.tokens * model.hiddenSize * computeBytes;
  const beyond = ownBuffer ? tower : Math.max(0, tower - laterBytes);
  return {
    id: "activations",
    label: "images",
    bytes: embeddings + beyond,
    low: embeddings,
    high: embeddings + tower,
    basis: shape.assumedSize || shape.tiles > 1 || model.assumed === true ? "assumed" : "modelled",
    formula:
      tower === 0
        ? "{kept} images x {tokens} embeddings x {hidden} x {width} B"
        : "{kept} images x {tokens} embeddings x {hidden} x {width} B + {together} images x {patches} patches x {each} elements x {width} B - {reused} B that the language model uses again",
    inputs: {
      kept: input.kept,
      tokens: shape.tokens,
      hidden: model.hiddenSize,
      width: computeBytes,
      together: input.together,
      patches: shape.patches,
      each,
      reused: tower - beyond,
    },
  };
}
