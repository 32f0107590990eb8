/** Heads of vision transformers, and the layers that paint what was masked. */
import { labelCount } from "../class-heads.ts";
import { projection } from "../composite.ts";
import { type ConfigReader, overriding } from "../config-reader.ts";
import { headLinear } from "../encoder-row.ts";
import type { Stack, Tensor } from "../model.ts";
import type { TowerHeadContext } from "../tower-family.ts";
import { type VitLayout, vitLayers } from "../towers/vit.ts";

/** No head. */
export const none = (): Tensor[] => [];

/** A label for the image. */
export const classifier = ({ config, hiddenSize }: TowerHeadContext): Tensor[] =>
  headLinear("classifier", labelCount(config), hiddenSize);
/** lin(h, pooler_output_size). */
export const pooler = ({ config, hiddenSize }: TowerHeadContext): Tensor[] =>
  projection("pooler.dense", config.int("pooler_output_size", hiddenSize), hiddenSize, true);

/** The layers that paint the masked patches, in keys of their own. */
export function maskedDecoder(
  layout: VitLayout,
  config: ConfigReader,
  prefix: string,
  [hidden, layers, heads, width]: readonly [number, number, number, number],
): Stack {
  const keys = {
    hidden_size: config.int("decoder_hidden_size", hidden),
    num_hidden_layers: config.layers("decoder_num_hidden_layers", layers),
    num_attention_heads: config.int("decoder_num_attention_heads", heads),
    intermediate_size: config.int("decoder_intermediate_size", width),
  };
  return vitLayers(layout, overriding(config, keys), prefix);
}
