import type { Mixer } from "../architecture/mixers/mixer.ts";
import type { Architecture, LayerKind, StackRole } from "../architecture/model.ts";
import { readsText } from "../architecture/stack.ts";
import { onceFor } from "../remember.ts";

/** Elements per token at the widest moment of a model's layers, split into what runs at once. */
export interface LayerWidths {
  /** Residual, normed input, sublayer output and its sum: 4 hidden. */
  readonly stream: number;
  /** Query, key, value and attention output. */
  readonly mixer: number;
  /** Gate, up and their product; experts: per chosen expert, with their outputs. */
  readonly feedForward: number;
}

/**
 * The layer whose feed-forward or mixer is widest. Sublayers run one after the other, so a pass needs
 * tokens * (stream + max(mixer, feedForward)) elements at once.
 *
 * Readings where layers set the peak (vLLM 0.19, 8192 tokens, less 36 MiB of workspaces): CodeLlama-7B
 * 48,158 elements per token for 4 x 4096 + 3 x 11008 = 49,408; Granite-3.1-8B 53,401 for 54,784.
 *
 * @example widestLayer(llama_3_1_8b) // { stream: 16_384, mixer: 10_240, feedForward: 43_008 }
 */
export function widestLayer(model: Architecture): LayerWidths {
  return widestOfText(model);
}

const widestOfText = onceFor((model: Architecture) => widestOf(model, readsText));

/** The same of the vision tower, per patch; null for a model whose tower has no layers of this kind. */
export function widestVisionLayer(model: Architecture): LayerWidths | null {
  const tower = model.stacks.some((stack) => stack.role === "vision");
  return tower ? widestOf(model, (role) => role === "vision") : null;
}

function widestOf(model: Architecture, counts: (role: StackRole) => boolean): LayerWidths {
  let widths: LayerWidths | null = null;
  for (const stack of model.stacks) {
    if (!counts(stack.role)) continue;
    for (const kind of stack.kinds) {
      const mixer = kind.mixers.reduce((sum, m) => sum + mixerWidth(m), 0);
      const feedForward = feedForwardWidth(kind, stack.hiddenSize);
      if (widths === null || Math.max(mixer, feedForward) > Math.max(widths.mixer, widths.feedForward))
        widths = { stream: 4 * stack.hiddenSize, mixer, feedForward };
    }
  }
  return widths ?? { stream: 4 * model.hiddenSize, mixer: 0, feedForward: 0 };
}

/** Elements per token of the widest moment: stream + max(mixer, feedForward). */
export function peakElements(widths: LayerWidths): number {
  return widths.stream + Math.max(widths.mixer, widths.feedForward);
}

function mixerWidth(mixer: Mixer): number {
  switch (mixer.kind) {
    case "attention":
      return (mixer.queryHeads + mixer.kvHeads) * (mixer.keyDim + mixer.valueDim);
    case "latent":
      return (
        2 * mixer.queryHeads * (mixer.nopeDim + mixer.ropeDim + mixer.valueDim) +
        mixer.latentDim +
        mixer.ropeDim
      );
    case "compressed":
      return 2 * mixer.headDim * (mixer.queryHeads + 1);
    case "recurrent":
      return 2 * (mixer.convChannels + mixer.innerDim);
    case "conv":
      return 4 * mixer.channels;
  }
}

function feedForwardWidth(kind: LayerKind, hiddenSize: number): number {
  const ffn = kind.feedForward;
  switch (ffn.kind) {
    case "none":
      return 0;
    case "dense":
      return (ffn.gated ? 3 : 2) * ffn.width;
    case "experts": {
      const branches = ffn.gated ? 3 : 2;
      const outputs = ffn.latentDim ?? hiddenSize;
      const beside = branches * (ffn.sharedWidth + (ffn.denseWidth ?? 0));
      return ffn.activeExperts * (branches * ffn.width + outputs) + beside;
    }
  }
}
