/** An encoder of images and a decoder that attends to it, each with the config of its own class: TrOCR (arXiv:2109.10282). */
import { part, projection } from "../composite.ts";
import { overriding } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { LayerKind } from "../model.ts";

/** Decoders whose causal class attends to an encoder. */
const DECODERS: { readonly [modelType: string]: string } = {
  trocr: "TrOCRForCausalLM",
  bart: "BartForCausalLM",
  mbart: "MBartForCausalLM",
};

/** Keys and values read the encoder's width. */
const reading = (kind: LayerKind, width: number): LayerKind => ({
  ...kind,
  tensors: kind.tensors.map((each) =>
    /^encoder_attn\.[kv]_proj\.weight$/.test(each.name) ? { ...each, shape: [each.shape[0]!, width] } : each,
  ),
});

/** @example trocr-base: 333,921,792 */
export const visionEncoderDecoder: Family = {
  id: "vision-encoder-decoder",
  modelTypes: ["vision-encoder-decoder"],
  classNames: ["VisionEncoderDecoderModel"],
  build: (config, families) => {
    const images = families.build(overriding(part(config, "encoder"), { architectures: null }));
    const given = part(config, "decoder");
    const type = given.text("model_type");
    const className = Object.hasOwn(DECODERS, type) ? DECODERS[type] : undefined;
    if (className === undefined) return given.fail("model_type", Object.keys(DECODERS).join(", "));
    const text = families.build(
      overriding(given, {
        architectures: [className],
        // The decoder ties its own head; the file's top says nothing of it.
        tie_word_embeddings: given.flag("tie_word_embeddings", true),
      }),
    );
    const crossed = given.optionalInt("cross_attention_hidden_size");
    const under = <T extends { readonly name: string }>(prefix: string, each: T): T => ({
      ...each,
      name: `${prefix}.${each.name}`,
    });
    return {
      ...text,
      family: "vision-encoder-decoder",
      modelType: "vision-encoder-decoder",
      stacks: [
        ...text.stacks.map((stack) => ({
          ...stack,
          prefix: `decoder.${stack.prefix}`,
          kinds: crossed === undefined ? stack.kinds : stack.kinds.map((kind) => reading(kind, crossed)),
        })),
        ...images.stacks.map((stack) => ({ ...stack, prefix: `encoder.${stack.prefix}` })),
      ],
      tensors: [
        ...text.tensors.map((each) => under("decoder", each)),
        ...images.tensors.map((each) => under("encoder", each)),
        ...(crossed !== undefined || images.hiddenSize === text.hiddenSize
          ? []
          : projection("enc_to_dec_proj", text.hiddenSize, images.hiddenSize, true)),
      ],
    };
  },
};
