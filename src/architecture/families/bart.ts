/** BART (arXiv:1910.13461) and its relatives. */

import { computedPositions, learnedPositions, seqFamily } from "../seq2seq-row.ts";

/** Learned positions with an offset of two. */
export const bart = seqFamily({
  id: "bart",
  generator: "BartForConditionalGeneration",
  plain: "BartModel",
  causal: "BartForCausalLM",
  classifier: "BartForSequenceClassification",
  positions: learnedPositions(2),
  embeddingNorm: true,
  finalNorm: false,
  logitsBias: true,
});

export const mbart = seqFamily({
  id: "mbart",
  generator: "MBartForConditionalGeneration",
  plain: "MBartModel",
  causal: "MBartForCausalLM",
  positions: learnedPositions(2),
  embeddingNorm: true,
  finalNorm: true,
  logitsBias: true,
});

/** Sinusoidal positions that the class keeps as a table. */
export const pegasus = seqFamily({
  id: "pegasus",
  generator: "PegasusForConditionalGeneration",
  plain: "PegasusModel",
  causal: "PegasusForCausalLM",
  positions: learnedPositions(0),
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: true,
});

export const marian = seqFamily({
  id: "marian",
  generator: "MarianMTModel",
  plain: "MarianModel",
  causal: "MarianForCausalLM",
  positions: learnedPositions(0),
  embeddingNorm: false,
  finalNorm: false,
  logitsBias: true,
});

/** M2M-100 and NLLB: sinusoidal positions computed on the fly. */
export const m2m100 = seqFamily({
  id: "m2m_100",
  generator: "M2M100ForConditionalGeneration",
  plain: "M2M100Model",
  positions: computedPositions,
  embeddingNorm: false,
  finalNorm: true,
  logitsBias: false,
});
