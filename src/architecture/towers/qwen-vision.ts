/** The vision towers of Qwen2-VL, Qwen2.5-VL and Qwen3-VL: patches over time, rotary positions, a patch merger. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, linear, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { blockTower, fcMlp, gateUpDownMlp, readEncoderHeads, squareSize } from "./tower.ts";

const SHARED = {
  depth: 32,
  num_heads: 16,
  patch_size: 14,
  spatial_merge_size: 2,
  temporal_patch_size: 2,
} as const;

/** [h, channels, time, p, p]. */
export function temporalPatches(config: ConfigReader, name: string, hiddenSize: number, bias: boolean) {
  const [height, width] = squareSize(config, "patch_size");
  const channels = config.int(["in_channels", "in_chans"], 3);
  const shape = [hiddenSize, channels, config.int("temporal_patch_size"), height, width];
  return convolution({ name, group: "vision", shape, bias });
}

/** A linear of the merger: it belongs to the tower. */
function dense(name: string, outDim: number, inDim: number): Tensor[] {
  return linear({ name, role: "other", group: "vision", outDim, inDim, bias: true });
}

/** LayerNorm layers of width embed_dim, MLP of mlp_ratio; merger 2d + lin(4d, 4d) + lin(4d, h) with d merged by 4. */
export const qwen2Vision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, { ...SHARED, embed_dim: 1280, hidden_size: 3584 });
  const { hiddenSize, heads } = readEncoderHeads(config, ["embed_dim"], ["num_heads"]);
  const merged = hiddenSize * config.int("spatial_merge_size") ** 2;
  const width = Math.floor(hiddenSize * config.number("mlp_ratio", 4));
  if (!(width >= 1)) config.fail("mlp_ratio", "a factor that leaves an MLP");
  return blockTower(config, prefix, {
    hiddenSize,
    heads,
    mlp: fcMlp(config, "quick_gelu", width),
    norm: "layer",
    outside: [
      ...temporalPatches(config, `${prefix}.patch_embed.proj`, hiddenSize, false),
      ...norm(`${prefix}.merger.ln_q`, hiddenSize, "bias"),
      ...dense(`${prefix}.merger.mlp.0`, merged, merged),
      ...dense(`${prefix}.merger.mlp.2`, config.int("hidden_size"), merged),
    ],
  });
};

/** RMSNorms, gated MLP with biases; the merger writes out_hidden_size. */
export const qwen25Vision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, { ...SHARED, intermediate_size: 3420, out_hidden_size: 3584 });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_heads"]);
  const merged = hiddenSize * config.int("spatial_merge_size") ** 2;
  return blockTower(config, prefix, {
    hiddenSize,
    heads,
    kvHeads: config.int("num_key_value_heads", heads),
    mlp: gateUpDownMlp(config, "silu", true),
    norm: "rms",
    outside: [
      ...temporalPatches(config, `${prefix}.patch_embed.proj`, hiddenSize, false),
      ...norm(`${prefix}.merger.ln_q`, hiddenSize),
      ...dense(`${prefix}.merger.mlp.0`, merged, merged),
      ...dense(`${prefix}.merger.mlp.2`, config.int("out_hidden_size"), merged),
    ],
  });
};

/**
 * Learned positions, LayerNorms, and a merger per layer of deepstack_visual_indexes besides the last one;
 * those normalise the merged width, the last one the layer's own.
 */
function qwen3Tower(deepstack: (config: ConfigReader) => number): TowerBuilder {
  return (given, prefix) => {
    const config = withDefaults(given, {
      ...SHARED,
      depth: 27,
      hidden_size: 1152,
      intermediate_size: 4304,
      patch_size: 16,
      out_hidden_size: 3584,
      num_position_embeddings: 2304,
    });
    const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_heads"]);
    const merged = hiddenSize * config.int("spatial_merge_size") ** 2;
    const outSize = config.int("out_hidden_size");
    const merger = (name: string, normed: number): Tensor[] => [
      ...norm(`${name}.norm`, normed, "bias"),
      ...dense(`${name}.linear_fc1`, merged, merged),
      ...dense(`${name}.linear_fc2`, outSize, merged),
    ];
    return blockTower(config, prefix, {
      hiddenSize,
      heads,
      mlp: { ...fcMlp(config, "gelu_pytorch_tanh"), plain: ["linear_fc1", "linear_fc2"] },
      norm: "layer",
      outside: [
        ...temporalPatches(config, `${prefix}.patch_embed.proj`, hiddenSize, true),
        positionEmbedding(`${prefix}.pos_embed`, config.int("num_position_embeddings"), hiddenSize),
        ...merger(`${prefix}.merger`, hiddenSize),
        ...Array.from({ length: deepstack(config) }, (_, i) =>
          merger(`${prefix}.deepstack_merger_list.${i}`, merged),
        ).flat(),
      ],
    });
  };
}

/** One deep merger per listed layer; 8, 16 and 24 when the list is absent. */
export const qwen3Vision = qwen3Tower((config) => {
  const listed = config.ints("deepstack_visual_indexes");
  if (listed !== undefined && listed.length > 1000)
    config.fail("deepstack_visual_indexes", "at most 1,000 layers");
  return listed?.length ?? 3;
});

/** Qwen3.5 has no deep mergers. */
export const qwen35Vision = qwen3Tower(() => 0);
