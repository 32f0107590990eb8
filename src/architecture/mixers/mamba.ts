/** Selective state spaces: Mamba-1 (arXiv:2312.00752) and Mamba-2 (arXiv:2405.21060). */

import { defined } from "../../defined.ts";
import type { Tensor } from "../model.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import type { MixerParts } from "./self-attention.ts";

export interface MambaSpec {
  /** Module path: "mixer" or "mamba". */
  readonly name: string;
  readonly hiddenSize: number;
  /** d, the channels of the block. */
  readonly innerDim: number;
  /** ds, state columns per channel. */
  readonly stateDim: number;
  /** R, rank of the step-size projection. */
  readonly timeStepRank: number;
  readonly convKernel: number;
  readonly convBias: boolean;
  readonly projectionBias: boolean;
  /** Jamba normalises the step, B and C. */
  readonly innerNorms?: readonly [step: string, b: string, c: string];
}

const group = "recurrent";

/**
 * in lin(h, 2d) + conv d*K + x_proj d*(R + 2*ds) + dt_proj lin(R, d) + A_log d*ds + D d + out lin(d, h).
 * State of a sequence: d*(K-1) conv columns and d*ds recurrent elements.
 *
 * @example mamba-130m (h 768, d 1536, ds 16, R 48, K 4): 3,770,880 parameters a block
 */
export function mambaBlock(spec: MambaSpec): MixerParts {
  const { name, hiddenSize, innerDim, stateDim, timeStepRank, convKernel } = spec;
  const [step, b, c] = spec.innerNorms ?? [];
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "mamba",
        convChannels: innerDim,
        convKernel,
        stateElements: innerDim * stateDim,
        heads: innerDim,
        innerDim,
      },
    ],
    tensors: [
      ...linear({
        name: `${name}.in_proj`,
        role: "recurrent-in",
        group,
        outDim: 2 * innerDim,
        inDim: hiddenSize,
        bias: spec.projectionBias,
        split: "column",
      }),
      ...convolution({
        name: `${name}.conv1d`,
        group,
        shape: [innerDim, 1, convKernel],
        bias: spec.convBias,
        split: "column",
      }),
      ...linear({
        name: `${name}.x_proj`,
        role: "recurrent",
        group,
        outDim: timeStepRank + 2 * stateDim,
        inDim: innerDim,
        split: "row",
      }),
      ...linear({
        name: `${name}.dt_proj`,
        role: "recurrent",
        group,
        outDim: innerDim,
        inDim: timeStepRank,
        bias: true,
        split: "column",
      }),
      vector(`${name}.A_log`, group, [innerDim, stateDim], "column"),
      vector(`${name}.D`, group, [innerDim], "column"),
      ...outProjection(name, hiddenSize, innerDim, spec.projectionBias),
      ...(step === undefined ? [] : norm(`${name}.${step}`, timeStepRank)),
      ...(b === undefined ? [] : norm(`${name}.${b}`, stateDim)),
      ...(c === undefined ? [] : norm(`${name}.${c}`, stateDim)),
    ],
  };
}

export interface Mamba2Spec {
  readonly name: string;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  readonly stateDim: number;
  /** G, groups that share B and C. */
  readonly groups: number;
  readonly convKernel: number;
  readonly convBias: boolean;
  readonly projectionBias: boolean;
  /** Bias of the output projection where it has a key of its own (Falcon-H1). */
  readonly outputBias?: boolean;
  /** RMSNorm of width d between the state space and the output projection. */
  readonly gatedNorm: boolean;
  /** Format of the recurrent state when the config states one. */
  readonly stateFormat?: string;
}

/**
 * With d = heads*head size and w = d + 2*G*ds:
 * in lin(h, d + w + heads) + conv w*K + A_log, D, dt_bias 3*heads + gated norm d + out lin(d, h).
 * State of a sequence: w*(K-1) conv columns and heads*head size*ds recurrent elements.
 *
 * @example Bamba-9B (h 4096, 128 heads of 64, ds 128, G 1, K 4): d 8192, w 8448, 102,286,976 parameters a block
 */
export function mamba2Block(spec: Mamba2Spec): MixerParts {
  const { name, hiddenSize, heads, headDim, stateDim, groups, convKernel } = spec;
  const innerDim = heads * headDim;
  const convChannels = innerDim + 2 * groups * stateDim;
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "mamba2",
        convChannels,
        convKernel,
        stateElements: innerDim * stateDim,
        heads,
        innerDim,
        groups,
        ...defined({ stateFormat: spec.stateFormat }),
      },
    ],
    tensors: [
      ...linear({
        name: `${name}.in_proj`,
        role: "recurrent-in",
        group,
        outDim: innerDim + convChannels + heads,
        inDim: hiddenSize,
        bias: spec.projectionBias,
        split: "column",
      }),
      ...convolution({
        name: `${name}.conv1d`,
        group,
        shape: [convChannels, 1, convKernel],
        bias: spec.convBias,
        split: "column",
      }),
      vector(`${name}.A_log`, group, [heads], "column"),
      vector(`${name}.D`, group, [heads], "column"),
      vector(`${name}.dt_bias`, group, [heads], "column"),
      ...(spec.gatedNorm ? norm(`${name}.norm`, innerDim) : []),
      ...outProjection(name, hiddenSize, innerDim, spec.outputBias ?? spec.projectionBias),
    ],
  };
}

function outProjection(name: string, hiddenSize: number, innerDim: number, bias: boolean): Tensor[] {
  return linear({
    name: `${name}.out_proj`,
    role: "recurrent-out",
    group,
    outDim: hiddenSize,
    inDim: innerDim,
    bias,
    split: "row",
  });
}
