/** Linear attention with a delta rule: gated DeltaNet (arXiv:2412.06464) and Kimi delta attention (arXiv:2510.26692). */

import { defined } from "../../defined.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import type { MixerParts } from "./self-attention.ts";

const group = "recurrent";

function projection(name: string, outDim: number, inDim: number): Tensor[] {
  return linear({ name, role: "recurrent-in", group, outDim, inDim, split: "column" });
}

function output(name: string, outDim: number, inDim: number): Tensor[] {
  return linear({ name, role: "recurrent-out", group, outDim, inDim, split: "row" });
}

/** Formats that `mamba_ssm_dtype` and its relatives name. */
const STATE_FORMATS: { readonly [name: string]: string } = {
  float32: "fp32",
  bfloat16: "bf16",
  float16: "fp16",
};

/** The state format that a config states; "auto" and absent leave it to the engine. */
export function stateFormatOf(config: ConfigReader, key: string): { readonly stateFormat?: string } {
  const name = config.optionalText(key);
  if (name === undefined || name === "auto") return {};
  const stateFormat = Object.hasOwn(STATE_FORMATS, name) ? STATE_FORMATS[name] : undefined;
  if (stateFormat === undefined) config.fail(key, "float32, bfloat16, float16 or auto");
  return { stateFormat };
}

export interface GatedDeltaSpec {
  readonly name: string;
  readonly hiddenSize: number;
  readonly keyHeads: number;
  readonly valueHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly convKernel: number;
  /** Names and output widths of the input projections, which differ between releases but sum to the same. */
  readonly inputs: "qkvz-ba" | "qkv-z-b-a" | "q-k-v-a-b-g";
  readonly stateFormat?: string;
}

/**
 * With kd = key heads*dk and vd = value heads*dv: inputs h*(2kd + 2vd) + h*2nv, conv (2kd + vd)*K,
 * A_log and dt_bias 2nv, gated norm dv, output vd*h.
 * State of a sequence: (2kd + vd)*(K-1) conv columns and nv*dv*dk recurrent elements.
 *
 * @example Qwen3.5-27B (nk 16, nv 48, dk = dv = 128): 10,240 conv channels, 786,432 state elements a layer
 */
export function gatedDeltaBlock(spec: GatedDeltaSpec): MixerParts {
  const { name, hiddenSize, keyHeads, valueHeads, convKernel } = spec;
  const keys = keyHeads * spec.keyDim;
  const values = valueHeads * spec.valueDim;
  const convChannels = 2 * keys + values;
  const apart = spec.inputs === "q-k-v-a-b-g";
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "gated-delta",
        convChannels,
        convKernel,
        stateElements: valueHeads * spec.valueDim * spec.keyDim,
        heads: valueHeads,
        innerDim: values,
        groups: keyHeads,
        ...defined({ stateFormat: spec.stateFormat }),
      },
    ],
    tensors: [
      ...deltaInputs(spec, keys, values),
      ...convolution({
        name: `${name}.conv1d`,
        group,
        shape: [convChannels, 1, convKernel],
        split: "column",
      }),
      vector(`${name}.A_log`, group, [valueHeads], "column"),
      vector(`${name}.dt_bias`, group, [valueHeads], "column"),
      ...norm(`${name}.${apart ? "o_norm" : "norm"}`, spec.valueDim),
      ...output(`${name}.${apart ? "o_proj" : "out_proj"}`, hiddenSize, values),
    ],
  };
}

function deltaInputs(spec: GatedDeltaSpec, keys: number, values: number): Tensor[] {
  const { name, hiddenSize, valueHeads } = spec;
  const into = (part: string, outDim: number): Tensor[] => projection(`${name}.${part}`, outDim, hiddenSize);
  switch (spec.inputs) {
    case "qkvz-ba":
      return [...into("in_proj_qkvz", 2 * keys + 2 * values), ...into("in_proj_ba", 2 * valueHeads)];
    case "qkv-z-b-a":
      return [
        ...into("in_proj_qkv", 2 * keys + values),
        ...into("in_proj_z", values),
        ...into("in_proj_b", valueHeads),
        ...into("in_proj_a", valueHeads),
      ];
    case "q-k-v-a-b-g":
      return [
        ...into("q_proj", keys),
        ...into("k_proj", keys),
        ...into("v_proj", values),
        ...into("a_proj", valueHeads),
        ...into("b_proj", valueHeads),
        ...into("g_proj", values),
      ];
  }
}

export interface KimiDeltaSpec {
  readonly name: string;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  readonly convKernel: number;
  /** The output gate is one h*P projection instead of a bottleneck of one head's width. */
  readonly fullRankGate: boolean;
}

/**
 * With P = heads*head size: q, k, v 3*h*P, convolutions 3*P*K, forget gate h*hd + hd*P + P + heads,
 * beta h*heads, output gate h*hd + hd*P (or h*P), norm hd, output P*h.
 * State of a sequence: 3*P*(K-1) conv columns and heads*hd*hd recurrent elements, always in fp32.
 *
 * @example Kimi-Linear-48B (32 heads of 128, h 2304): 12,288 conv channels, 524,288 state elements a layer
 */
export function kimiDeltaBlock(spec: KimiDeltaSpec): MixerParts {
  const { name, hiddenSize, heads, headDim, convKernel } = spec;
  const innerDim = heads * headDim;
  const bottleneck = (first: string, second: string): Tensor[] => [
    ...linear({ name: first, role: "recurrent", group, outDim: headDim, inDim: hiddenSize }),
    ...linear({
      name: second,
      role: "recurrent",
      group,
      outDim: innerDim,
      inDim: headDim,
      split: "column",
    }),
  ];
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "kda",
        convChannels: 3 * innerDim,
        convKernel,
        stateElements: innerDim * headDim,
        heads,
        innerDim,
        stateFormat: "fp32",
      },
    ],
    tensors: [
      ...["q", "k", "v"].flatMap((x) => [
        ...projection(`${name}.${x}_proj`, innerDim, hiddenSize),
        ...convolution({
          name: `${name}.${x}_conv1d`,
          group,
          shape: [innerDim, 1, convKernel],
          split: "column",
        }),
      ]),
      ...bottleneck(`${name}.f_a_proj`, `${name}.f_b_proj`),
      vector(`${name}.dt_bias`, group, [innerDim], "column"),
      vector(`${name}.A_log`, group, [1, 1, heads, 1], "column"),
      ...linear({
        name: `${name}.b_proj`,
        role: "recurrent",
        group,
        outDim: heads,
        inDim: hiddenSize,
        split: "column",
      }),
      ...(spec.fullRankGate
        ? projection(`${name}.g_proj`, innerDim, hiddenSize)
        : bottleneck(`${name}.g_a_proj`, `${name}.g_b_proj`)),
      ...norm(`${name}.o_norm`, headDim),
      ...output(`${name}.o_proj`, hiddenSize, innerDim),
    ],
  };
}
