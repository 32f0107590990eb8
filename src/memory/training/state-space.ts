/**
 * Selective state spaces on the kernels that their classes run on a GPU: mamba_ssm's `MambaSplitConv1dScanCombinedFn` (Mamba-2: Granite 4,
 * Nemotron-H, Bamba, Falcon-H1), `MambaInnerFn` (Mamba, Falcon-Mamba) and `SelectiveScanFn` (Jamba); `mamba_ssm/ops`
 * at 01b717ae and 01887ed7, read. Without them transformers runs plain operations in fp32, which keep far more and are not sized.
 */
import type { RecurrentMixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { Bytes } from "../../units.ts";
import { causalConvolution } from "./causal-convolution.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf, weightOf } from "./pass.ts";
import { allocated, fresh, hold, record, type Value } from "./tape.ts";

/** `mamba_chunk_size` of the published configs; it decides what lives while a kernel runs, not what is kept. */
const CHUNK = 256;
/** Tokens between the states that the first generation's scan keeps (`selective_scan_fwd_kernel.cuh`). */
const SCAN = 2048;

const named = (tensors: readonly Tensor[], name: string): Tensor | undefined =>
  tensors.find((t) => t.name.endsWith(`.${name}`));

/**
 * One function from the input product to the output product. With d channels, w convolved ones, n state columns and G groups, kept per token
 * in bf16: the input product's result 2(d + w + heads), the scan's output 2d, a deviation per group.
 *
 * @example Bamba-9B (d 8192, w 8448, 128 heads): 33,536 + 16,384 + 4 = 49,924 B a token and layer, and 2h for x
 */
export function mamba2(
  pass: Pass,
  x: Value,
  mixer: RecurrentMixer,
  tensors: readonly Tensor[],
): Value | null {
  const { tape } = pass;
  const entry = tensors.find((t) => t.role === "recurrent-in");
  const output = tensors.find((t) => t.role === "recurrent-out");
  if (entry === undefined || output === undefined) return null;
  const tokens = tokensOf(pass);
  const { innerDim, convChannels, heads, stateElements } = mixer;
  const groups = mixer.groups ?? 1;
  const both = project(pass, x, entry, tensors);
  const inside = tensors.filter(
    (t) => t !== entry && /\.(conv1d|out_proj)\.|\.(A_log|D|dt_bias)$|(mamba|mixer)\.norm\./.test(t.name),
  );
  const scanned = fresh(tape, { elements: tokens * innerDim, width: 2, grad: false });
  const deviation = fresh(tape, { elements: tokens * groups, width: 4, grad: false });
  const narrow = narrowCopies(pass, [output]);
  const value = fresh(tape, {
    elements: tokens * output.shape[0]!,
    width: both.width,
    grad: both.grad || inside.some((t) => pass.holding.trainable(t)),
  });
  const convolved = 2 * tokens * convChannels;
  const channels = 2 * tokens * innerDim;
  const steps = 2 * 4 * tokens * heads;
  const states = (tokens / CHUNK) * stateElements;
  const products = 4 * tokens * groups * CHUNK;
  const gradients = gradientsOf(pass, inside);
  record(tape, {
    inputs: [both],
    outputs: [value, scanned, deviation, ...narrow],
    saved: [both, scanned, deviation, ...narrow],
    forwardScratch: convolved + steps + 2 * states + Math.max(products + 4 * states, channels),
    // The gradient of a frozen output product is made all the same, and dropped.
    backwardScratch: 2 * convolved + 3 * channels + steps + 12 * states + 2 * products + gradients.dropped,
    weightGradients: gradients.kept,
  });
  hold(tape, [x, both]);
  return value;
}

/**
 * The first generation. `MambaInnerFn` keeps the input product's result made contiguous 4d, the small product, B and C, and the scan's output
 * 2d; the convolution and the steps are made again. With norms on step, B and C (Jamba) every part is an operation of its own.
 *
 * @example mamba-130m (d 1536, n 16, R 48): 6144 + 160 + 64 + 3072 = 9,440 B a token and layer, and 2h for x
 */
export function mamba(pass: Pass, x: Value, mixer: RecurrentMixer, tensors: readonly Tensor[]): Value | null {
  const entry = tensors.find((t) => t.role === "recurrent-in");
  const output = tensors.find((t) => t.role === "recurrent-out");
  const small = named(tensors, "x_proj.weight");
  const step = named(tensors, "dt_proj.weight");
  const kernel = named(tensors, "conv1d.weight");
  if (!entry || !output || !small || !step || !kernel) return null;
  const parts = { entry, output, small, step, kernel };
  return tensors.some((t) => /(dt|b)_layernorm\./.test(t.name))
    ? steppedMamba(pass, x, { mixer, tensors, ...parts })
    : innerMamba(pass, x, { mixer, tensors, ...parts });
}

interface MambaParts {
  readonly mixer: RecurrentMixer;
  readonly tensors: readonly Tensor[];
  readonly entry: Tensor;
  readonly output: Tensor;
  readonly small: Tensor;
  readonly step: Tensor;
  readonly kernel: Tensor;
}

/** State columns per channel, and the fp32 states that a scan keeps: two numbers per channel and column every 2,048 tokens. */
function scanStates(
  pass: Pass,
  { stateElements, innerDim }: RecurrentMixer,
): { columns: number; kept: number } {
  const columns = stateElements / innerDim;
  return { columns, kept: pass.batch * Math.ceil(pass.seqTokens / SCAN) * 2 * stateElements };
}

function innerMamba(pass: Pass, x: Value, of: MambaParts): Value {
  const { tape } = pass;
  const { mixer, tensors, entry, output, small, step } = of;
  const tokens = tokensOf(pass);
  const { columns, kept } = scanStates(pass, mixer);
  const both = project(pass, x, entry, tensors);
  const inside = tensors.filter((t) => t !== entry && t.group === "recurrent" && !t.name.includes("in_proj"));
  const inner = (elements: number, width: 2 | 4): Value => fresh(tape, { elements, width, grad: false });
  const saved = [
    inner(both.elements, 2),
    inner(tokens * small.shape[0]!, 2),
    inner(tokens * columns, 2),
    inner(tokens * columns, 2),
    inner(tokens * mixer.innerDim, 2),
    inner(kept, 4),
    ...narrowCopies(pass, [small, step, output]),
  ];
  const value = fresh(tape, {
    elements: tokens * output.shape[0]!,
    width: both.width,
    grad: both.grad || inside.some((t) => pass.holding.trainable(t)),
  });
  const channels = 2 * tokens * mixer.innerDim;
  const gradients = gradientsOf(pass, inside);
  record(tape, {
    inputs: [both],
    outputs: [value, ...saved],
    saved,
    forwardScratch: 3 * channels,
    backwardScratch: 6 * channels + 2 * 4 * tokens * columns + gradients.dropped,
    weightGradients: gradients.kept,
  });
  hold(tape, [x, both]);
  return value;
}

function steppedMamba(pass: Pass, x: Value, of: MambaParts): Value {
  const { tape } = pass;
  const { mixer, tensors, entry, output, small, step, kernel } = of;
  const tokens = tokensOf(pass);
  const { columns, kept } = scanStates(pass, mixer);
  const channels = tokens * mixer.innerDim;
  const both = project(pass, x, entry, tensors);
  const [entering, gate] = op.split(tape, both, [channels, channels]) as [Value, Value];
  const convolved = causalConvolution(pass, entering, [kernel]);
  const parameters = project(pass, convolved, small, tensors);
  const rank = tokens * step.shape[1]!;
  const [time, b, c] = op.split(tape, parameters, [rank, tokens * columns, tokens * columns]) as [
    Value,
    Value,
    Value,
  ];
  const normed = (value: Value, name: string): Value => {
    const weight = named(tensors, `${name}_layernorm.weight`);
    return weight === undefined ? value : norm(pass, value, weight, weight.shape[0]!);
  };
  const delta = project(pass, normed(time, "dt"), step, tensors);
  const columnsOf = [normed(b, "b"), normed(c, "c")] as const;
  const vectors = tensors.filter((t) => /\.(A_log|D)$/.test(t.name));
  // The scan wants tokens as the fastest dimension: what it keeps are copies.
  const inner = (elements: number, width: 2 | 4): Value => fresh(tape, { elements, width, grad: false });
  const saved = [
    ...[convolved, delta, gate, ...columnsOf].map((value) => inner(value.elements, 2)),
    inner(kept, 4),
    inner(channels, 2),
  ];
  const value = fresh(tape, {
    elements: channels,
    width: 2,
    grad: both.grad || vectors.some((t) => pass.holding.trainable(t)),
  });
  record(tape, {
    inputs: [convolved, delta, gate, ...columnsOf],
    outputs: [value, ...saved],
    saved,
    backwardScratch: 2 * 4 * tokens * columns,
    weightGradients: gradientsOf(pass, vectors).kept,
  });
  const out = project(pass, value, output, tensors);
  hold(tape, [x, both, convolved, parameters, delta]);
  return out;
}

/** Weights that a function casts itself under autocast and keeps. */
function narrowCopies(pass: Pass, weights: readonly Tensor[]): Value[] {
  if (!pass.tape.autocast) return [];
  return weights
    .filter((t) => pass.holding.width(t) > 2)
    .map((t) => fresh(pass.tape, { elements: tensorElements(t) * t.copies, width: 2, grad: false }));
}

/** Gradients of the weights inside a function: those that stay, and those of frozen ones that it makes nevertheless. */
function gradientsOf(
  pass: Pass,
  tensors: readonly Tensor[],
): { readonly kept: Bytes; readonly dropped: Bytes } {
  let kept: Bytes = 0;
  let dropped: Bytes = 0;
  for (const tensor of tensors) {
    const { elements, width, trainable } = weightOf(pass, tensor);
    if (trainable) kept += allocated(elements * width);
    else dropped += elements * width;
  }
  return { kept, dropped };
}
