import { tiedEmbeddings } from "../config-reader.ts";
import { HIDDEN_KEYS, LAYER_KEYS, POSITION_KEYS } from "../decoder.ts";
import { activationOf, type Family } from "../family.ts";
import { stackOf } from "../stack.ts";
import { attention, embedding, head, norm, plainMlp, positionEmbedding } from "../tensors.ts";

/** Learned positions, LayerNorm and biases everywhere, plain MLP of 4h unless n_inner says otherwise. */
export const gpt2: Family = {
  id: "gpt2",
  modelTypes: ["gpt2"],
  classNames: ["GPT2LMHeadModel"],
  build: (config) => {
    const hiddenSize = config.int(HIDDEN_KEYS);
    const heads = config.int(["n_head", "num_attention_heads"]);
    if (hiddenSize % heads !== 0) config.fail("n_head", `a divisor of n_embd ${hiddenSize}`);
    const headDim = hiddenSize / heads;
    const positions = config.int(POSITION_KEYS, 1024);
    const vocabSize = config.int("vocab_size");
    const width = config.int(["n_inner", "intermediate_size"], 4 * hiddenSize);
    const tied = tiedEmbeddings(config, true);
    const biased = { qkv: true, o: true };
    return {
      family: "gpt2",
      modelType: config.text("model_type", "gpt2"),
      hiddenSize,
      vocabSize,
      tied,
      maxContextTokens: positions,
      norm: "layer",
      stacks: [
        stackOf({
          role: "decoder",
          prefix: "transformer.h",
          hiddenSize,
          layers: config.layers(LAYER_KEYS),
          build: () => ({
            mixers: [
              {
                kind: "attention",
                queryHeads: heads,
                kvHeads: heads,
                keyDim: headDim,
                valueDim: headDim,
                cache: "own",
              },
            ],
            feedForward: { kind: "dense", width, gated: false, activation: activationOf(config, "gelu_new") },
            tensors: [
              ...attention({
                name: "attn",
                hiddenSize,
                heads,
                kvHeads: heads,
                keyDim: headDim,
                bias: biased,
                fused: "c_attn",
                outName: "c_proj",
              }),
              ...plainMlp({ name: "mlp", hiddenSize, width, bias: true, names: ["c_fc", "c_proj"] }),
              ...norm("ln_1", hiddenSize, "bias"),
              ...norm("ln_2", hiddenSize, "bias"),
            ],
          }),
        }),
      ],
      tensors: [
        embedding("transformer.wte", vocabSize, hiddenSize),
        positionEmbedding("transformer.wpe", positions, hiddenSize),
        ...norm("transformer.ln_f", hiddenSize, "bias"),
        ...(tied ? [] : head("lm_head", vocabSize, hiddenSize)),
      ],
      notes: [],
    };
  },
};
