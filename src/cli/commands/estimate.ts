import type { Command } from "commander";
import type { Architecture } from "../../architecture/model.ts";
import { modelSummary } from "../../architecture/summary.ts";
import { checkBudget } from "../../budget.ts";
import { cutsPool } from "../../engines/engine-name.ts";
import { EXIT, VramCalcError } from "../../errors.ts";
import type { EstimateOptions } from "../../estimate/estimate-options.ts";
import { type EstimateResult, estimateSimply, needsEngines } from "../../estimate/serve.ts";
import { kvFormatByName } from "../../formats/kv-formats.ts";
import { COMMON_CARDS } from "../../hardware/common-cards.ts";
import type { AttentionImplementation } from "../../memory/attention-mask.ts";
import { type BatchLengths, batchLengths } from "../../memory/batch-lengths.ts";
import { plainStorageByName } from "../../quantization/storage.ts";
import type { Result } from "../../report/result.ts";
import type { Units } from "../../report/size-text.ts";
import { estimateTable } from "../../report/table.ts";
import { type HoldingCards, holdingCards } from "../../solve/common-cards.ts";
import { loadModel } from "../../sources/load-model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { asksNothing, besideOf } from "../beside.ts";
import { limitNotes, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  assumeFamilyOption,
  attentionOption,
  budgetOption,
  explainOption,
  fieldOption,
  gpuOption,
  jsonlOption,
  jsonOption,
  lengthsOption,
  unitsOption,
  weightsOnlyOption,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { addServeOptions, estimateOptionsOf, type ServeFlags } from "../serve-flags.ts";
import type { Session } from "../session.ts";

interface EstimateFlags extends ServeFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly json?: true;
  readonly field?: string;
  readonly jsonl?: true;
  readonly explain?: true;
  readonly units: Units;
  readonly lengths?: readonly Tokens[];
  readonly attention?: AttentionImplementation;
  readonly assumeFamily?: string;
}

/** `vram-calc <model>`: the default command. Exits 0 when it fits or no limit was given, 1 when over. */
export function defineEstimate(program: Command, session: Session, commandNames: readonly string[]): void {
  addServeOptions(
    program.argument("[model]", "count (14B), catalogue name, path, hub id, or - for a config on stdin"),
  )
    .addOption(gpuOption())
    .addOption(budgetOption())
    .addOption(lengthsOption())
    .addOption(attentionOption())
    .addOption(weightsOnlyOption())
    .addOption(assumeFamilyOption())
    .addOption(unitsOption())
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption())
    .addOption(jsonlOption())
    .action(async (reference: string | undefined, flags: EstimateFlags) => {
      if (flags.jsonl === true) {
        if (
          reference !== undefined ||
          Object.keys(program.opts()).some(
            (name) => name !== "jsonl" && program.getOptionValueSource(name) === "cli",
          )
        )
          throw new VramCalcError("bad-option", {
            option: "--jsonl",
            given: "more words",
            expected: "nothing beside it: every line of standard input carries its own options",
          });
        const { runJsonl } = await import("./jsonl.ts");
        await runJsonl(session);
        return;
      }
      if (reference === undefined) {
        if (Object.keys(flags).some((name) => program.getOptionValueSource(name) === "cli"))
          throw new VramCalcError("bad-option", {
            option: "[model]",
            given: "nothing",
            expected: "what is to be sized: a count (14B), a catalogue name, a path or a hub id",
          });
        program.help({ error: true });
      }
      await runEstimate(reference, flags, session, commandNames);
    });
}

async function runEstimate(
  reference: string,
  flags: EstimateFlags,
  { io, exit }: Session,
  otherNames: readonly string[],
): Promise<void> {
  const limit = await limitOf(flags, io);
  const loadOptions = loadOptionsOf(io, { assumeFamily: flags.assumeFamily, otherNames });
  const loaded = await loadModel(reference, loadOptions);
  const beside = asksNothing(flags) ? {} : await besideOf(flags, loadOptions);
  const lengths =
    flags.lengths === undefined ? undefined : lengthsOf(loaded.architecture, flags, flags.lengths);
  const options: EstimateOptions = {
    ...estimateOptionsOf(flags, loaded, limit),
    ...(lengths === undefined
      ? {}
      : {
          batch: lengths.sequences,
          contextTokens: lengths.longestTokens,
          ...(lengths.realTokens < lengths.paddedTokens ? { padded: true } : {}),
        }),
    ...(flags.attention === undefined ? {} : { attention: flags.attention }),
    ...beside,
  };
  const outcome = await estimateFor(loaded.architecture, options);
  const budget = limit === null ? undefined : checkBudget(outcome, limit);
  const result: Result = {
    schema: "vram-calc/estimate@1",
    model: modelSummary(loaded),
    architecture: loaded.architecture,
    request: outcome.request,
    estimate: outcome,
    ...(budget === undefined ? {} : { budget }),
    notes: [...loaded.notes, ...outcome.notes, ...limitNotes(limit, options.engine)],
  };
  const asData = flags.json === true || flags.field !== undefined;
  if (asData) {
    const { resultJson } = await import("../../report/result.ts");
    const { printJson } = await import("../print-json.ts");
    printJson(io, { ...resultJson(result), ...(lengths === undefined ? {} : { lengths }) }, flags.field);
  } else {
    io.stdout(
      estimateTable(result, {
        columns: io.columns,
        units: flags.units,
        explain: flags.explain === true,
        paint: await painterFor(io),
        ...(budget === undefined ? { cards: await cardsHolding(loaded.architecture, options, outcome) } : {}),
      }),
    );
  }
  if (lengths !== undefined && !asData) {
    const { lengthsLines } = await import("../../report/lengths.ts");
    io.stdout(`\n${lengthsLines(lengths, flags.units).join("\n")}\n`);
  }
  if (budget === undefined || budget.fits) return;
  exit(EXIT.overBudget);
  if (asData || flags.weightsOnly === true) return;
  const { advise } = await import("../../solve/advice.ts");
  const { adviceLines } = await import("../../report/fit.ts");
  const advice = advise(loaded.architecture, options, budget.bytes);
  if (advice.length > 0)
    io.stdout(
      `\nwhat would change that\n${adviceLines(advice, { columns: io.columns, units: flags.units, paint: await painterFor(io) }).join("\n")}\n`,
    );
}

/** An engine that cuts its pool from the card has a need of its own on each. */
async function cardsHolding(
  model: Architecture,
  options: EstimateOptions,
  outcome: EstimateResult,
): Promise<HoldingCards> {
  if (!cutsPool(options.engine)) return holdingCards(COMMON_CARDS, () => outcome);
  const [{ estimate }, { acceleratorByName }, { engineCard }] = await Promise.all([
    import("../../estimate/estimate.ts"),
    import("../../hardware/lookup.ts"),
    import("../../engines/engine-card.ts"),
  ]);
  return holdingCards(COMMON_CARDS, ({ id }) =>
    estimate(model, { ...options, card: engineCard(acceleratorByName(id)) }),
  );
}

/** A batch of prompts of these lengths, padded against packed. */
function lengthsOf(model: Architecture, flags: EstimateFlags, lengths: readonly Tokens[]): BatchLengths {
  return batchLengths(model, {
    lengths,
    format: kvFormatByName(flags.kvDtype ?? "fp16"),
    implementation: flags.attention ?? "sdpa",
    computeBytes: 2,
  });
}

/** The light estimate where it is enough: engines and quantization schemes are loaded when they are asked for. */
async function estimateFor(model: Architecture, options: EstimateOptions): Promise<EstimateResult> {
  const plain =
    options.dtype === undefined
      ? (options.stored ?? plainStorageByName(model.dtype ?? "bf16"))
      : plainStorageByName(options.dtype);
  if (plain !== null && !needsEngines(options)) {
    const result = estimateSimply(model, options, () => plain);
    if (options.kvDtype === undefined) return result;
    const { idleServingOptions } = await import("../../estimate/idle-serving.ts");
    return { ...result, notes: [...result.notes, ...idleServingOptions(model, options)] };
  }
  const { estimateNoted } = await import("../../estimate/estimate-noted.ts");
  return estimateNoted(model, options);
}
