import type { Basis, Explained, Term, TermId } from "../memory/term.ts";
import type { LayerKnowledge } from "../memory/training/layer-code.ts";
import type { Bytes } from "../units.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import type { PhaseBytes } from "./train-device.ts";
import { gradientsText, type Operands, partsText, times, weightsText } from "./train-operands.ts";

/**
 * How far modelled activations may be off: the simulated operations agree with the real classes to 0.1 %, other
 * versions and kernels do not have to.
 */
const BANDS: { readonly [K in LayerKnowledge]: readonly [low: number, high: number] } = {
  read: [0.97, 1.04],
  unmeasured: [0.85, 1.2],
  assumed: [0.75, 1.3],
  unmodelled: [0.4, 4],
};

/** Buckets and gathered layers: whether one layer or two are whole at the peak depends on how far the host runs ahead. */
const EXCHANGED: readonly [low: number, high: number] = [0.5, 1.25];

/** The terms of one phase; empty ones are left out. */
export function phaseTerms(
  phase: PhaseBytes,
  operands: Operands,
  effective: EffectiveTrain,
  knowledge: LayerKnowledge,
): readonly Term[] {
  const basis: Basis = knowledge === "read" ? "modelled" : "assumed";
  const terms: Term[] = [];
  const put = (id: TermId, bytes: Bytes, own: Basis, formula: string, inputs: Term["inputs"]): void => {
    if (bytes === 0) return;
    const [low, high] =
      own === "exact"
        ? [1, 1]
        : id === "communication"
          ? EXCHANGED
          : BANDS[own === "modelled" ? "read" : knowledge];
    terms.push({
      id,
      bytes,
      low: Math.floor(bytes * low),
      high: Math.ceil(bytes * high),
      basis: own,
      formula,
      inputs,
      phase: phase.phase,
    });
  };
  const tokens = effective.microBatch * Math.ceil(effective.seqTokens / effective.parallel.cp);
  const { trained, optimizerRanks } = operands;
  const say = (id: TermId, bytes: Bytes, own: Basis, text: () => Pick<Term, "formula" | "inputs">): void => {
    if (bytes === 0) return;
    const { formula, inputs } = text();
    put(id, bytes, own, formula, inputs);
  };
  const { weights, adapters, masterWeights, gradients, optimizer, activations, logits } = phase;
  say("weights", weights, "exact", () => weightsText(operands, weights));
  say("adapters", adapters, "exact", () => times("trained", trained, adapters, operands.weightRanks));
  say("master-weights", masterWeights, "exact", () =>
    times("trained", trained, masterWeights, optimizerRanks),
  );
  // Which gradients FSDP has made and not yet reduced when a micro-batch peaks was read from code, not simulated.
  const late = effective.gradAccum > 1 && effective.parallel.sharding.includes("fsdp");
  say("gradients", gradients, late ? "modelled" : "exact", () => gradientsText(operands, gradients));
  say("optimizer", optimizer, "exact", () => times("trained", trained, optimizer, optimizerRanks));
  say("activations", activations, basis, () => times("tokens", tokens, activations));
  say("logits", logits, basis, () => times("tokens", tokens, logits));
  say("workspace", phase.workspace, basis, () =>
    withLibraries(workspaceText(phase, operands, tokens), phase),
  );
  say("communication", phase.communication, "modelled", () =>
    partsText(phase.exchanged, phase.communication),
  );
  return terms;
}

function workspaceText(phase: PhaseBytes, { trained, optimizerRanks }: Operands, tokens: number): Explained {
  const bytes = phase.workspace - phase.libraries;
  switch (phase.phase) {
    case "optimizer-step":
      return times("trained", trained, bytes, optimizerRanks);
    case "forward":
    case "loss-backward":
    case "layer-backward":
      return times("tokens", tokens, bytes);
    // Gradients of the embedding's tables: their sizes do not follow the tokens.
    case "end-of-backward":
      return { formula: "{bytes} B while gradients of embeddings are made", inputs: { bytes } };
  }
}

const withLibraries = ({ formula, inputs }: Explained, { libraries, workspace }: PhaseBytes): Explained => {
  if (libraries === 0) return { formula, inputs };
  if (libraries === workspace) return { formula: "{libraries} B of libraries", inputs: { libraries } };
  return { formula: `${formula} + {libraries} B of libraries`, inputs: { ...inputs, libraries } };
};

/** Paged states: `cudaMallocManaged`, on the card until something else needs the room. */
export function pagedTerms(bytes: Bytes, operands: Operands): readonly Term[] {
  if (bytes === 0) return [];
  const { trained, optimizerRanks } = operands;
  const text = times("trained", trained, bytes, optimizerRanks);
  return [{ id: "optimizer", bytes, low: 0, high: bytes, basis: "modelled", ...text }];
}
