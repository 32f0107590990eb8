import type { LatentMixer } from "../../architecture/mixers/mixer.ts";
import type { Architecture } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";
import { attentionBytesPerToken, layersWithShared, reachOf } from "../cache-layers.ts";
import type { ServingInput } from "../engine.ts";

/** What a rank keeps for a token, and for a sequence whatever its length. */
export interface TokenBytes {
  /** Layers that look back on everything. */
  readonly full: Bytes;
  /** Layers with a window or chunks. */
  readonly window: Bytes;
  /** One slot of recurrent and convolution states. */
  readonly state: Bytes;
}

/**
 * Bytes of a token in SGLang's pools, a rank's share of the layers.
 *
 *     attention   KV heads * (key + value) of the format; layers that read another's cache have buffers too
 *     latent      (latent + rotary part) of the format; with an indexer anywhere 132 B of index key in every layer,
 *                 and in fp8 latent + 4 B per 128 of it + rotary part in 16 bits: 656 B
 *     state       (kernel - 1) * channels in the compute format + state in `--mamba-ssm-dtype`, fp32 by default
 *
 * Source: `pool_configurator.py` and `memory_pool.py`, 0.5. Readings: the rows of serving-sglang.json.
 *
 * @example tokenBytes(deepseek_v3, { format: bf16, ... }).full // 70_272 = 61 x 576 x 2
 */
export function tokenBytes(
  share: Architecture,
  at: Pick<ServingInput, "format" | "computeBytes"> & { readonly stateBytes: number },
): TokenBytes {
  const { format, computeBytes, stateBytes } = at;
  const layersHere = layersWithShared(share);
  const indexWidth = layersHere.reduce(
    (widest, { mixer }) =>
      mixer.kind === "latent" && mixer.indexer !== undefined
        ? Math.max(widest, mixer.indexer.keyDim)
        : widest,
    0,
  );
  let full = 0;
  let window = 0;
  let state = 0;
  for (const { mixer, layers } of layersHere) {
    switch (mixer.kind) {
      case "attention":
        if (reachOf(mixer) === Number.POSITIVE_INFINITY)
          full += layers * attentionBytesPerToken(mixer, format);
        else window += layers * attentionBytesPerToken(mixer, format);
        break;
      case "latent":
        full += layers * (latentBytes(mixer, format, indexWidth > 0) + indexKeyBytes(indexWidth));
        break;
      case "compressed":
        window += layers * format.keyBytesPerVector(mixer.headDim);
        if (mixer.ratio > 0) full += (layers * format.keyBytesPerVector(mixer.headDim)) / mixer.ratio;
        break;
      case "recurrent":
        state +=
          layers *
          (Math.max(0, mixer.convKernel - 1) * mixer.convChannels * computeBytes +
            mixer.stateElements * (mixer.stateFormat === "fp32" ? 4 : stateBytes));
        break;
      case "conv":
        state += layers * Math.max(0, mixer.kernel - 1) * mixer.channels * computeBytes;
        break;
    }
  }
  return { full, window, state };
}

/** An index key in 8 bits and a scale for each 128 of it. */
const indexKeyBytes = (width: number): Bytes => width + Math.ceil(width / 128) * 4;

function latentBytes(
  { latentDim, ropeDim }: LatentMixer,
  format: ServingInput["format"],
  sparse: boolean,
): Bytes {
  if (sparse && format.id.startsWith("fp8")) return latentDim + Math.ceil(latentDim / 128) * 4 + ropeDim * 2;
  return format.keyBytesPerVector(latentDim + ropeDim);
}
