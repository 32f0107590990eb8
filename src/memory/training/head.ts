import type { Architecture, Tensor } from "../../architecture/model.ts";
import { hasVocabularyHead } from "../../architecture/stack.ts";
import { activate } from "./activation.ts";
import { project } from "./linear.ts";
import { norm, normTensors } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, weightOf } from "./pass.ts";
import { allocated, fresh, record, type Value } from "./tape.ts";

/** The norm after the last layer. */
export function finalNorm(pass: Pass, x: Value, model: Architecture): Value {
  if (pass.code.normedSums) return x;
  const weight = model.tensors.find(
    (t) => t.kind === "norm" && t.shape[0] === model.hiddenSize && t.group === "norms",
  );
  if (weight === undefined)
    return pass.code.norm === "layer-wide" ? norm(pass, x, undefined, model.hiddenSize) : x;
  return norm(pass, x, weight, model.hiddenSize, normTensors(weight, model.tensors));
}

/** Logits of V per row, soft-capped where the family does; of a classifier its scores, per token or per text. */
export function headProduct(pass: Pass, left: Value, model: Architecture): Value {
  const weight = headWeight(model);
  const hidden = hasVocabularyHead(model) ? transformed(pass, left, model) : pooled(pass, left, model);
  const logits =
    weight === undefined
      ? hidden
      : pass.code.normedHead
        ? op.matmul(pass.tape, hidden, normalized(pass, weight), tokenRows(hidden, model) * weight.shape[0]!)
        : project(pass, hidden, weight, model.tensors);
  if (!pass.facts.logitSoftcap) return logits;
  return op.scale(pass.tape, op.keepsOutput(pass.tape, op.scale(pass.tape, logits)));
}

/**
 * A linear, an activation and a norm before the head over the vocabulary: models that fill in masked words. A linear alone where
 * the table is narrower than the layers (OPT 350M).
 */
function transformed(pass: Pass, hidden: Value, model: Architecture): Value {
  const narrowing = model.tensors.find((t) => t.kind === "linear" && t.name.endsWith("project_out.weight"));
  if (narrowing !== undefined) return project(pass, hidden, narrowing, model.tensors);
  // As wide as the rows of words are, or it is a head over something else.
  const size = headWeight(model)?.shape[1] ?? model.hiddenSize;
  const dense = headLinears(model).find((t) => t.shape[0] === size && !ofWords(t, model));
  if (dense === undefined) return hidden;
  const [layers] = model.stacks;
  const feed = layers?.kinds[0]?.feedForward;
  const x = project(pass, hidden, dense, model.tensors);
  const active = activate(pass, x, feed?.kind === "dense" ? feed.activation : "gelu");
  const path = dense.name.slice(0, dense.name.lastIndexOf("."));
  const module = path.slice(0, path.lastIndexOf("."));
  const after = model.tensors.find((t) => t.kind === "norm" && t.name.startsWith(`${module}.`));
  return after === undefined ? active : norm(pass, active, after, size, 2);
}

/**
 * What scores a text by its first token makes of that token: linear, tanh, dropout, of B x h. The token is a view of the last
 * hidden state, which is kept whole (`BertPooler`, `RobertaClassificationHead`).
 */
function pooled(pass: Pass, hidden: Value, model: Architecture): Value {
  const own = headLinears(model);
  if (!pass.code.normedSums || own.length === 0) return hidden;
  const poolers = model.tensors.filter((t) => t.kind === "linear" && t.name.endsWith("pooler.dense.weight"));
  const before = [...poolers, ...own.slice(0, -1)];
  if (before.length === 0) return hidden;
  const { tape } = pass;
  const elements = pass.batch * model.hiddenSize;
  let x = fresh(tape, { elements, width: hidden.width, grad: hidden.grad });
  record(tape, { inputs: [hidden], outputs: [x], saved: [hidden] });
  for (const dense of before)
    x = op.dropout(
      tape,
      op.keepsOutput(tape, project(pass, x, dense, model.tensors)),
      pass.facts.residualDropout,
    );
  return x;
}

const headLinears = (model: Architecture): readonly Tensor[] =>
  model.tensors.filter((t) => t.kind === "linear" && isHead(t, model));

const isHead = (t: Tensor, model: Architecture): boolean =>
  t.role === "head" && t.shape[1] === model.hiddenSize;

/** A head's rows are words, whole or a rank's share of them. */
const ofWords = (t: Tensor, model: Architecture): boolean =>
  t.split === "vocab" || t.shape[0] === model.vocabSize;

const tokenRows = (hidden: Value, model: Architecture): number => hidden.elements / model.hiddenSize;

/**
 * `F.normalize(weight)`: V x h in the wider of the weight's type and that of the norm, which autocast takes in fp32 of an fp32
 * copy. The product keeps it in its own type: 125,696 x 4096 x 2 B = 1.03 GB for Baichuan 2.
 */
function normalized(pass: Pass, weight: Tensor): Value {
  const { tape } = pass;
  const { elements, width, trainable } = weightOf(pass, weight);
  const wide = tape.autocast ? 4 : width;
  const lengths = fresh(tape, { elements: weight.shape[0]!, width: wide, grad: false });
  record(tape, { inputs: [], outputs: [lengths], forwardScratch: wide > width ? elements * wide : 0 });
  const value = fresh(tape, { elements, width: wide, grad: trainable });
  record(tape, {
    inputs: [lengths],
    outputs: [value],
    weightGradients: trainable ? allocated(elements * width) : 0,
  });
  return value;
}

/**
 * The head's matrix: one with a row per word, its own or the embedding's when tied; else the scores of a classifier, which are the
 * last linear of its head. A model that embeds texts has none.
 */
export function headWeight(model: Architecture): Tensor | undefined {
  const own = model.tensors.find((t) => t.kind !== "bias" && isHead(t, model) && ofWords(t, model));
  if (own !== undefined) return own;
  if (!model.tied) return headLinears(model).at(-1);
  return model.tensors.find((t) => t.role === "embedding" && t.kind === "embedding");
}
