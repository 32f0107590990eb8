import type { ConfigReader } from "../config-reader.ts";
import { tiedEmbeddings } from "../config-reader.ts";
import { ATTENTION_BIAS, customCodeNote, MLP_BIAS, readOption } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { type FeedForwardParts, gatedFeedForward } from "../feed-forward.ts";
import { type MixerParts, selfAttention } from "../mixers/self-attention.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, linear, norm } from "../tensors.ts";

/** A block that search removed or replaced by one [h, h] projection keeps no cache. */
function replacement(name: string, hiddenSize: number, group: "attention" | "mlp"): readonly Tensor[] {
  return linear({ name, role: "other", group, outDim: hiddenSize, inDim: hiddenSize });
}

/**
 * DeciLM: `block_configs` says for each layer whether attention and MLP are whole, one projection or
 * nothing; a removed block has no norm. KV heads are heads / n_heads_in_group, the MLP is int(2*m*h/3)
 * wide, rounded up to 256, for an ffn_mult of m.
 */
export const nemotronNas: Family = {
  id: "nemotron-nas",
  modelTypes: ["nemotron-nas"],
  classNames: ["DeciLMForCausalLM"],
  build: (config) => {
    const hiddenSize = config.int("hidden_size");
    const heads = config.int("num_attention_heads");
    const layers = config.layers("num_hidden_layers");
    const vocabSize = config.int("vocab_size");
    if (hiddenSize % heads !== 0)
      config.fail("num_attention_heads", `a divisor of hidden_size ${hiddenSize}`);
    const headDim = config.int("head_dim", hiddenSize / heads);
    const blocks = config.children("block_configs");
    if (blocks === undefined || blocks.length < layers)
      return config.fail("block_configs", `a list of ${layers} blocks`);
    const attentionBias = readOption(config, ATTENTION_BIAS);
    const mlpBias = readOption(config, MLP_BIAS);
    const tied = tiedEmbeddings(config, false);
    const maxContextTokens = config.optionalInt("max_position_embeddings");
    const mixer = (block: ConfigReader): MixerParts | undefined => {
      const part = block.child("attention") ?? block.fail("attention", "an object");
      if (part.flag("no_op", false)) return undefined;
      if (part.flag("replace_with_linear", false))
        return { mixers: [], tensors: replacement("self_attn.linear_attn", hiddenSize, "attention") };
      const perGroup = part.int("n_heads_in_group");
      if (heads % perGroup !== 0) part.fail("n_heads_in_group", `a divisor of the ${heads} attention heads`);
      return selfAttention({
        name: "self_attn",
        hiddenSize,
        heads,
        kvHeads: heads / perGroup,
        keyDim: headDim,
        windowTokens: part.optionalInt("window_length"),
        bias: { qkv: attentionBias, o: attentionBias },
      });
    };
    const feedForward = (block: ConfigReader): FeedForwardParts | undefined => {
      const part = block.child("ffn") ?? block.fail("ffn", "an object");
      if (part.flag("no_op", false)) return undefined;
      if (part.flag("replace_with_linear", false))
        return {
          feedForward: { kind: "none" },
          tensors: replacement("mlp.linear_mlp", hiddenSize, "mlp"),
        };
      const multiple = part.number("ffn_mult");
      if (!(multiple > 0 && multiple <= 1024)) part.fail("ffn_mult", "a number from 0 to 1024");
      const width = Math.ceil(Math.max(1, Math.floor((2 * multiple * hiddenSize) / 3)) / 256) * 256;
      return gatedFeedForward(config, hiddenSize, { width, bias: mlpBias });
    };
    const build = (layer: number): LayerKind => {
      const block = blocks[layer]!;
      const mixing = mixer(block);
      const ffn = feedForward(block);
      return {
        mixers: mixing?.mixers ?? [],
        feedForward: ffn?.feedForward ?? { kind: "none" },
        tensors: [
          ...(mixing === undefined ? [] : [...mixing.tensors, ...norm("input_layernorm", hiddenSize)]),
          ...(ffn === undefined ? [] : [...ffn.tensors, ...norm("post_attention_layernorm", hiddenSize)]),
        ],
      };
    };
    return {
      family: "nemotron-nas",
      modelType: config.text("model_type", "nemotron-nas"),
      hiddenSize,
      vocabSize,
      tied,
      ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
      norm: "rms",
      stacks: [
        stackOf({
          role: "decoder",
          prefix: "model.layers",
          hiddenSize,
          layers,
          keyOf: (layer) => JSON.stringify([blocks[layer]!.raw.attention, blocks[layer]!.raw.ffn]),
          build,
        }),
      ],
      tensors: [
        embedding("model.embed_tokens", vocabSize, hiddenSize),
        ...norm("model.norm", hiddenSize),
        ...(tied ? [] : head("lm_head", vocabSize, hiddenSize)),
      ],
      notes: [customCodeNote("nemotron-nas", "llama with a block of its own per layer")],
    };
  },
};
