import { customCodeNote } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { embedding, head, linear, norm, vector } from "../tensors.ts";

/**
 * RWKV-5 (arXiv:2404.05892): time mixing of five h*h matrices with a decay and a bonus per head, a norm over
 * heads, and channel mixing through f = 3.5*h rounded down to 32. Layer 0 normalises the embedding first.
 * State of a sequence: h*head size per layer, and the last input of both mixers.
 *
 * @example rwkv-5-world-3b (h 2560, L 32, V 65536): 2*V*h + 32*85,232,640 + 4*h = 3,062,999,040
 */
export const rwkv5: Family = {
  id: "rwkv5",
  modelTypes: ["rwkv5"],
  build: (config) => {
    const hiddenSize = config.int("hidden_size");
    const inner = config.int("attention_hidden_size", hiddenSize);
    const headSize = config.int(["head_size", "num_attention_heads"], 64);
    if (inner % headSize !== 0) config.fail("head_size", `a divisor of ${inner}`);
    const heads = inner / headSize;
    const vocabSize = config.int("vocab_size");
    const layers = config.layers("num_hidden_layers");
    const width = config.int("intermediate_size", Math.max(32, Math.floor((hiddenSize * 3.5) / 32) * 32));
    const group = "recurrent";
    const into = (name: string): Tensor[] =>
      linear({
        name: `attention.${name}`,
        role: "recurrent-in",
        group,
        outDim: inner,
        inDim: hiddenSize,
        split: "column",
      });
    const layer = (index: number): LayerKind => ({
      mixers: [
        {
          kind: "recurrent",
          variant: "rwkv",
          // The last input of time mixing and of channel mixing: one column each.
          convChannels: 2 * hiddenSize,
          convKernel: 2,
          stateElements: inner * headSize,
          heads,
          innerDim: inner,
          stateFormat: "fp32",
        },
      ],
      feedForward: { kind: "dense", width, gated: false, activation: "relu2" },
      tensors: [
        ...["key", "value", "receptance", "gate"].flatMap(into),
        ...linear({
          name: "attention.output",
          role: "recurrent-out",
          group,
          outDim: hiddenSize,
          inDim: inner,
          split: "row",
        }),
        vector("attention.time_decay", group, [heads, headSize], "column"),
        vector("attention.time_faaaa", group, [heads, headSize], "column"),
        ...["key", "value", "receptance", "gate"].map((name) =>
          vector(`attention.time_mix_${name}`, group, [1, 1, hiddenSize]),
        ),
        ...norm("attention.ln_x", hiddenSize, "bias"),
        ...channelMixing(hiddenSize, width),
        ...["ln1", "ln2", ...(index === 0 ? ["pre_ln"] : [])].flatMap((name) =>
          norm(name, hiddenSize, "bias"),
        ),
      ],
    });
    return {
      family: "rwkv5",
      modelType: config.text("model_type", "rwkv5"),
      hiddenSize,
      vocabSize,
      tied: false,
      norm: "layer",
      stacks: [
        stackOf({
          role: "decoder",
          prefix: "rwkv.blocks",
          hiddenSize,
          layers,
          keyOf: (index) => String(index === 0),
          build: layer,
        }),
      ],
      tensors: [
        embedding("rwkv.embeddings", vocabSize, hiddenSize),
        ...norm("rwkv.ln_out", hiddenSize, "bias"),
        ...head("head", vocabSize, hiddenSize),
      ],
      notes: [
        customCodeNote("rwkv5", "RWKV-5"),
        ...(config.optionalFlag("tie_word_embeddings") === true
          ? [
              {
                code: "untied-head",
                message: "tie_word_embeddings is true, but RWKV-5 is published with a head of its own",
              },
            ]
          : []),
      ],
    };
  },
};

/**
 * RWKV-4 (arXiv:2305.13048): a decay and a bonus per channel, no heads and no norm over them. State of a sequence: a
 * numerator, a denominator and a maximum per channel and layer, and the last input of both mixers.
 *
 * @example rwkv-4-7b-pile (h 4096, L 32, V 50277): 7,392,649,216
 */
export const rwkv4: Family = {
  id: "rwkv",
  modelTypes: ["rwkv"],
  classNames: ["RwkvForCausalLM"],
  build: (config) => {
    const hiddenSize = config.int("hidden_size", 4096);
    const inner = config.int("attention_hidden_size", hiddenSize);
    const width = config.int("intermediate_size", 4 * hiddenSize);
    const vocabSize = config.int("vocab_size");
    const tied = config.flag("tie_word_embeddings", false);
    const group = "recurrent";
    const maxContextTokens = config.optionalInt("context_length");
    const layer = (index: number): LayerKind => ({
      mixers: [
        {
          kind: "recurrent",
          variant: "rwkv",
          convChannels: 2 * hiddenSize,
          convKernel: 2,
          // The class keeps them at the hidden width, whatever the width of attention.
          stateElements: 3 * hiddenSize,
          heads: 1,
          innerDim: inner,
          stateFormat: "fp32",
        },
      ],
      feedForward: { kind: "dense", width, gated: false, activation: "relu2" },
      tensors: [
        ...["key", "value", "receptance"].flatMap((name) =>
          linear({
            name: `attention.${name}`,
            role: "recurrent-in",
            group,
            outDim: inner,
            inDim: hiddenSize,
            split: "column",
          }),
        ),
        ...linear({
          name: "attention.output",
          role: "recurrent-out",
          group,
          outDim: hiddenSize,
          inDim: inner,
          split: "row",
        }),
        ...["time_decay", "time_first"].map((name) => vector(`attention.${name}`, group, [inner], "column")),
        ...["key", "value", "receptance"].map((name) =>
          vector(`attention.time_mix_${name}`, group, [1, 1, hiddenSize]),
        ),
        ...channelMixing(hiddenSize, width),
        ...["ln1", "ln2", ...(index === 0 ? ["pre_ln"] : [])].flatMap((name) =>
          norm(name, hiddenSize, "bias"),
        ),
      ],
    });
    return {
      family: "rwkv",
      modelType: "rwkv",
      hiddenSize,
      vocabSize,
      tied,
      ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
      norm: "layer",
      stacks: [
        stackOf({
          role: "decoder",
          prefix: "rwkv.blocks",
          hiddenSize,
          layers: config.layers("num_hidden_layers"),
          keyOf: (index) => String(index === 0),
          build: layer,
        }),
      ],
      tensors: [
        embedding("rwkv.embeddings", vocabSize, hiddenSize),
        ...norm("rwkv.ln_out", hiddenSize, "bias"),
        ...(tied ? [] : head("head", vocabSize, hiddenSize)),
      ],
      notes: [],
    };
  },
};

/** key [f, h], receptance [h, h] and value [h, f], with a mix of the last input for the first two. */
function channelMixing(hiddenSize: number, width: number): Tensor[] {
  const at = (name: string) => ({ name: `feed_forward.${name}`, group: "mlp" }) as const;
  return [
    ...["key", "receptance"].map((name) =>
      vector(`feed_forward.time_mix_${name}`, "mlp", [1, 1, hiddenSize]),
    ),
    ...linear({ ...at("key"), role: "mlp-up", outDim: width, inDim: hiddenSize, split: "column" }),
    ...linear({ ...at("receptance"), role: "mlp-gate", outDim: hiddenSize, inDim: hiddenSize }),
    ...linear({ ...at("value"), role: "mlp-down", outDim: hiddenSize, inDim: width, split: "row" }),
  ];
}
