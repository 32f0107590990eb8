/**
 * Draft models, which guess tokens for a larger one and read its hidden states: EAGLE-3 (arXiv:2503.01840) and DFlash.
 * Their configs carry the model type of an ordinary decoder.
 */
import { type ConfigReader, overriding } from "../config-reader.ts";
import { type DecoderRow, familyOf } from "../decoder-row.ts";
import { isDraft } from "../draft-keys.ts";
import type { Family } from "../family.ts";
import type { ArchitectureDraft, Note, Tensor } from "../model.ts";
import { buffer, head, linear, norm } from "../tensors.ts";
import { LLAMA } from "./llama.ts";
import { QWEN3 } from "./qwen.ts";

const EAGLE3 = /^(?:Llama|Eagle3?Llama|LlamaEagle3)ForCausalLM(?:Eagle3)?$|^Eagle3(?:Speculator|DraftModel)$/;
const DFLASH = "DFlashDraftModel";

const classOf = (config: ConfigReader): string => config.texts("architectures")?.[0] ?? "";
const isDflash = (config: ConfigReader): boolean =>
  classOf(config) === DFLASH && !config.has(["speculators_model_type", "speculators_config"]);

const draftNote = (layout: string, shares: string): Note => ({
  code: "draft-model",
  message: `a draft that guesses tokens for a larger model, sized alone by its layout, ${layout}; ${shares}`,
  details: { layout },
});

const feature = (outDim: number, inDim: number): Tensor[] =>
  linear({ name: "fc", role: "other", group: "other", outDim, inDim });

const eagleLayer = familyOf(
  {
    ...LLAMA,
    id: "eagle3",
    layerNorms: ["hidden_norm", "input_layernorm", "post_attention_layernorm"],
    names: { embedding: "embed_tokens", layers: "layers", finalNorm: "norm" },
    extras: (config, { hiddenSize }) => feature(hiddenSize, 3 * config.int("target_hidden_size", hiddenSize)),
    check: (config, { layers }) => {
      if (layers !== 1) config.fail("num_hidden_layers", "1: the layout of EAGLE-3 has one layer");
      for (const key of ["attention_bias", "mlp_bias", "norm_before_fc", "fc_norm"])
        if (config.optionalFlag(key) === true) config.fail(key, "false: another draft is not described here");
    },
  } satisfies DecoderRow,
  (config) => {
    const hiddenSize = config.int("hidden_size");
    return { attention: { hiddenSize: 2 * hiddenSize, outputSize: hiddenSize } };
  },
);

/**
 * EAGLE-3 as SpecForge and vLLM build it: the embedding [V, h] of the larger model, fc [h, 3h] over three of its
 * layers, one llama layer whose q, k and v read embedding and feature side by side [.., 2h], and a head over
 * `draft_vocab_size` tokens.
 *
 *     V*h + D*h + 3h^2 + 2h*(q + 2kv) + q*h + 3h*f + 4h
 *
 * @example Llama 3.1 8B's: 525_336_576 + 131_072_000 + 50_331_648 + 50_331_648 + 16_777_216 + 176_160_768 + 16_384 = 950_026_240
 */
const eagle3: Family = {
  id: "eagle3",
  modelTypes: ["eagle3"],
  claims: (config) => isDraft(config.raw) && !isDflash(config),
  build: (given, families) => {
    const named = classOf(given);
    const kind = given.optionalText("speculators_model_type") ?? "eagle3";
    if (kind !== "eagle3")
      given.fail("speculators_model_type", '"eagle3": other drafts are not described here');
    if (given.has("dflash_config") || (named !== "" && !EAGLE3.test(named)))
      given.fail(
        "architectures",
        `the class of a draft that is described here (LlamaForCausalLMEagle3, ${DFLASH})`,
      );
    const layer = given.child("transformer_layer_config")?.raw ?? {};
    const config = overriding(given, { ...layer, model_type: "llama", tie_word_embeddings: true });
    const taps = given.child("eagle_config");
    if (taps?.optionalFlag("use_aux_hidden_state") === false)
      taps.fail(
        "use_aux_hidden_state",
        "true: a draft without the larger model's states is not described here",
      );
    if ((taps?.ints("eagle_aux_hidden_state_layer_ids")?.length ?? 3) !== 3)
      taps!.fail("eagle_aux_hidden_state_layer_ids", "a list of 3 layers");
    const draft = eagleLayer.build(config, families);
    const rows = given.int("draft_vocab_size", draft.vocabSize);
    return {
      ...asDraft(given, draft, draftNote("EAGLE-3", "engines may share its embedding with that model")),
      tensors: [
        ...draft.tensors,
        ...head("lm_head", rows, draft.hiddenSize),
        { ...buffer("d2t", "other", [rows]), pinnedFormat: "int64" },
        { ...buffer("t2d", "other", [draft.vocabSize]), pinnedFormat: "int8" },
      ],
    };
  },
};

const dflashLayers = familyOf({
  ...QWEN3,
  id: "dflash",
  names: { layers: "layers", finalNorm: "norm" },
  extras: (config, { hiddenSize, layers }) => [
    ...feature(
      hiddenSize,
      hiddenSize * (config.child("dflash_config")?.ints("target_layer_ids")?.length ?? layers),
    ),
    ...norm("hidden_norm", hiddenSize),
  ],
});

/**
 * DFlash as SpecForge builds it: Qwen 3 layers, fc [h, n*h] over n layers of the larger model and a norm; words and
 * head are that model's.
 *
 * @example 5 layers for Qwen 3 8B: 5 * 192_946_432 + 5 * 4096^2 + 2 * 4096 = 1_048_626_432
 */
const dflash: Family = {
  id: "dflash",
  modelTypes: ["dflash"],
  claims: isDflash,
  build: (given, families) => {
    const own = given.child("dflash_config");
    for (const key of ["attention_mode", "attention_modes", "projector_type"])
      if (own?.has(key) === true && own.raw[key] !== "gqa" && own.raw[key] !== "mha")
        own.fail(key, "grouped heads and no head of its own: another draft is not described here");
    const config = overriding(given, { model_type: "qwen3", tie_word_embeddings: true });
    const draft = dflashLayers.build(config, families);
    return {
      ...asDraft(given, draft, draftNote("DFlash", "its embedding and its head are those of that model")),
      vocabSize: 0,
      tensors: draft.tensors.filter(({ role }) => role !== "embedding"),
    };
  },
};

const asDraft = (config: ConfigReader, draft: ArchitectureDraft, note: Note): ArchitectureDraft => ({
  ...draft,
  modelType: config.text("model_type", draft.family),
  tied: false,
  notes: [...draft.notes, note],
});

export const DRAFTS: readonly Family[] = [eagle3, dflash];
