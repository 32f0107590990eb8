import { classNamed } from "../class-named.ts";
import { tiedEmbeddings, withDefaults } from "../config-reader.ts";
import { seqLayer } from "../encoder-decoder.ts";
import { activationNamed, type Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, embedding, head, norm } from "../tensors.ts";

/** Raw sound through three convolutions; rotary positions; the decoder's MLP is gated. */
export const moonshine: Family = {
  id: "moonshine",
  modelTypes: ["moonshine"],
  classNames: ["MoonshineForConditionalGeneration", "MoonshineModel"],
  build: (given) => {
    const config = withDefaults(given, {
      hidden_size: 288,
      intermediate_size: 1152,
      encoder_num_hidden_layers: 6,
      decoder_num_hidden_layers: 6,
      encoder_num_attention_heads: 8,
      vocab_size: 32_768,
    });
    const named = classNamed(config, ["MoonshineForConditionalGeneration", "MoonshineModel"]);
    const generates = named === "MoonshineForConditionalGeneration";
    const prefix = generates ? "model." : "";
    const hiddenSize = config.int("hidden_size");
    const vocabSize = config.int("vocab_size");
    const tied = generates && tiedEmbeddings(config, true);
    const side = (name: "encoder" | "decoder"): LayerKind => {
      // The class of transformers 5.18 builds the decoder with the heads of the encoder, which it builds first.
      const heads = config.int("encoder_num_attention_heads");
      if (hiddenSize % heads !== 0)
        config.fail("encoder_num_attention_heads", `a divisor of the hidden size ${hiddenSize}`);
      const kvHeads = config.int("encoder_num_key_value_heads", heads);
      if (heads % kvHeads !== 0)
        config.fail("encoder_num_key_value_heads", `a divisor of the ${heads} attention heads`);
      const bias = { qkv: config.flag("attention_bias", false) };
      const decoder = name === "decoder";
      return seqLayer({
        hiddenSize,
        heads,
        kvHeads,
        headDim: config.int("head_dim", hiddenSize / heads),
        selfAttention: { name: "self_attn", bias },
        ...(decoder ? { crossAttention: { name: "encoder_attn", bias } } : {}),
        mlp: {
          name: "mlp",
          width: config.int("intermediate_size"),
          activation: activationNamed(config.text(`${name}_hidden_act`, decoder ? "silu" : "gelu")),
          bias: true,
          ...(decoder ? { gated: ["fc1", "fc1", "fc2"] as const, fused: "fc1" } : { plain: ["fc1", "fc2"] }),
        },
        norm: "rms",
        norms: ["input_layernorm", "post_attention_layernorm", ...(decoder ? ["final_layernorm"] : [])],
      });
    };
    const conv = (name: string, shape: readonly number[], bias: boolean): Tensor[] =>
      convolution({ name: `${prefix}encoder.${name}`, group: "other", shape, bias });
    const maxContextTokens = config.optionalInt("max_position_embeddings");
    return {
      family: "moonshine",
      modelType: "moonshine",
      hiddenSize,
      vocabSize,
      tied,
      ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
      norm: "layer-no-bias",
      stacks: (["encoder", "decoder"] as const).map((name) =>
        stackOf({
          role: name,
          prefix: `${prefix}${name}.layers`,
          hiddenSize,
          layers: config.layers(`${name}_num_hidden_layers`),
          build: () => side(name),
        }),
      ),
      tensors: [
        ...conv("conv1", [hiddenSize, 1, 127], false),
        ...conv("conv2", [2 * hiddenSize, hiddenSize, 7], true),
        ...conv("conv3", [hiddenSize, 2 * hiddenSize, 3], true),
        ...norm(`${prefix}encoder.groupnorm`, hiddenSize, "bias"),
        ...norm(`${prefix}encoder.layer_norm`, hiddenSize),
        embedding(`${prefix}decoder.embed_tokens`, vocabSize, hiddenSize),
        ...norm(`${prefix}decoder.norm`, hiddenSize),
        ...(generates && !tied ? head("proj_out", vocabSize, hiddenSize) : []),
      ],
      notes: [],
    };
  },
};
