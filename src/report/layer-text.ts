/** Layers in words: what a mixer and a feed-forward are, in the field's terms. */

import type { Mixer } from "../architecture/mixers/mixer.ts";
import type { FeedForward, LayerKind } from "../architecture/model.ts";
import { groupDigits } from "../units.ts";

/** "attention 32/8 heads of 128, window 4,096". */
export function mixerText(mixer: Mixer): string {
  switch (mixer.kind) {
    case "attention": {
      const dims = mixer.keyDim === mixer.valueDim ? `${mixer.keyDim}` : `${mixer.keyDim}+${mixer.valueDim}`;
      const reach =
        mixer.windowTokens !== undefined
          ? `, window ${groupDigits(mixer.windowTokens)}`
          : mixer.chunkTokens !== undefined
            ? `, chunk ${groupDigits(mixer.chunkTokens)}`
            : "";
      const cache =
        mixer.cache === "shared"
          ? ", cache of an earlier layer"
          : mixer.cache === "cross"
            ? ", over the encoder"
            : "";
      return `attention ${mixer.queryHeads}/${mixer.kvHeads} heads of ${dims}${reach}${cache}`;
    }
    case "latent": {
      const indexer =
        mixer.indexer === undefined ? "" : `, indexer ${mixer.indexer.heads} x ${mixer.indexer.keyDim}`;
      return `latent attention ${mixer.queryHeads} heads, ${mixer.latentDim}+${mixer.ropeDim} cached${indexer}`;
    }
    case "compressed": {
      const ratio = mixer.ratio > 0 ? `, one latent per ${mixer.ratio} tokens` : "";
      return `compressed attention ${mixer.queryHeads} heads of ${mixer.headDim}, window ${groupDigits(mixer.windowTokens)}${ratio}`;
    }
    case "recurrent":
      return `${mixer.variant} ${mixer.heads} heads, state ${groupDigits(mixer.stateElements)}`;
    case "conv":
      return `short convolution of ${mixer.kernel}`;
  }
}

/** "mlp 14,336" or "128 experts of 768, 8 active". */
export function feedForwardText(ffn: FeedForward): string {
  switch (ffn.kind) {
    case "none":
      return "no mlp";
    case "dense":
      return `${ffn.gated ? "gated mlp" : "mlp"} ${groupDigits(ffn.width)}`;
    case "experts": {
      const shared = ffn.sharedWidth > 0 ? `, shared ${groupDigits(ffn.sharedWidth)}` : "";
      return `${ffn.experts} experts of ${groupDigits(ffn.width)}, ${ffn.activeExperts} active${shared}`;
    }
  }
}

/** Everything one layer does. */
export function layerText(kind: LayerKind): string {
  const mixers = kind.mixers.length === 0 ? "no mixer" : kind.mixers.map(mixerText).join(" + ");
  return `${mixers}; ${feedForwardText(kind.feedForward)}`;
}
