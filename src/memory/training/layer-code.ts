/**
 * How transformers 5.18 writes the layers of each family, where that decides what backward keeps and
 * where the tensors alone do not tell. Everything else (biases, fused projections, q/k norms, the
 * number of norms) is read from the architecture.
 */
import type { Architecture, NormKind } from "../../architecture/model.ts";

/**
 * Formulation of a norm, `x` in the model's type:
 * `rms` weight * (fp32 x / rms).to(type); `rms-late-cast` (weight * fp32 x / rms).to(type); `rms-plus-one` as late cast
 * with (1 + weight); `rms-fused` and `layer` one kernel; `layer-python` mean and variance by hand in fp32.
 */
export type NormCode = "rms" | "rms-late-cast" | "rms-plus-one" | "rms-fused" | "layer" | "layer-python";

export interface LayerCode {
  readonly norm: NormCode;
  /** Attention and feed-forward read the same normed input and are added together. */
  readonly parallel: boolean;
  /** Norms sit on the outputs of attention and feed-forward instead of their inputs. */
  readonly postNorm: boolean;
  /**
   * Rotary positions: half-split, half-split put together with an unrotated rest, half-split with cos and sin of half the width, complex, or none.
   */
  readonly rotary: "half" | "half-concat" | "half-tables" | "interleaved" | "complex" | "none";
  /** Dropout after the attention's output projection and after the feed-forward. */
  readonly residualDropout: boolean;
  /** A sink logit per head joins the softmax (GPT-OSS): eager attention only, in the model's type. */
  readonly sinks: boolean;
  /** Softmax runs in the model's type instead of fp32. */
  readonly softmaxInModelType: boolean;
}

const BASE: Omit<LayerCode, "norm"> = {
  parallel: false,
  postNorm: false,
  rotary: "half",
  residualDropout: false,
  sinks: false,
  softmaxInModelType: false,
};

const NORMS: { readonly [K in NormKind]: NormCode } = {
  rms: "rms",
  "rms-plus-one": "rms-plus-one",
  layer: "layer",
  "layer-no-bias": "layer",
  none: "layer",
};

const FAMILIES: { readonly [family: string]: Partial<LayerCode> } = {
  gpt2: { rotary: "none", residualDropout: true, softmaxInModelType: true },
  olmo2: { norm: "rms-late-cast", postNorm: true },
  olmo3: { norm: "rms-late-cast", postNorm: true },
  exaone4: { postNorm: true },
  cohere: { norm: "layer-python", parallel: true, rotary: "interleaved" },
  cohere2: { norm: "layer-python", parallel: true, rotary: "interleaved" },
  phi: { parallel: true, residualDropout: true },
  phi3: { rotary: "half-concat", residualDropout: true },
  starcoder2: { residualDropout: true },
  gpt_oss: { rotary: "half-tables", sinks: true, softmaxInModelType: true, norm: "rms-late-cast" },
  deepseek_v2: { rotary: "complex" },
};

/** The formulation that a model's family uses; the plain Llama one where nothing else is known. */
export function layerCode(model: Pick<Architecture, "family" | "norm">): LayerCode {
  return { ...BASE, norm: NORMS[model.norm], ...FAMILIES[model.family] };
}
