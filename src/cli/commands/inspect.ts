import { statSync } from "node:fs";
import { dirname } from "node:path";
import { adaptedExpertNotes, loraLinears } from "../../adapters/lora.ts";
import type { Note } from "../../architecture/model.ts";
import { embeddingPadding } from "../../architecture/padding.ts";
import { modelSummary } from "../../architecture/summary.ts";
import { VramCalcError } from "../../errors.ts";
import { cacheRows } from "../../memory/cache-rows.ts";
import { type Inspection, inspectionJson, inspectionTable } from "../../report/inspect.ts";
import type { FileFacts } from "../../report/inspect-files.ts";
import { loadModel } from "../../sources/load-model.ts";
import { bytesByFormat, type StoredFiles } from "../../sources/stored-weights.ts";
import { readTokenizer, type TokenizerFacts } from "../../sources/tokenizer.ts";
import { loadOptionsOf } from "../load.ts";
import { type LoraFlag, parseLora } from "../lora-flag.ts";
import { assumeFamilyOption, explainOption, fieldOption, jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

interface InspectFlags {
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
  readonly assumeFamily?: string;
  readonly lora?: LoraFlag;
}

/** `vram-calc inspect <model>`: what a model is made of. */
export const defineInspect: DefineCommand = (command, session) => {
  command
    .argument("<model>", "catalogue name, path, hub id, or - for a config on stdin")
    .addOption(assumeFamilyOption())
    .option("--lora <r=N>", "adapter parameters per linear: r=32, r=32,targets=attention", parseLora)
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption())
    .action((reference: string, flags: InspectFlags) => inspect(reference, flags, session));
};

async function inspect(reference: string, flags: InspectFlags, { io }: Session): Promise<void> {
  const loaded = await loadModel(reference, loadOptionsOf(io, { assumeFamily: flags.assumeFamily }));
  const folder = folderOf(reference);
  const { architecture } = loaded;
  const adapted = flags.lora === undefined ? [] : loraLinears(architecture, flags.lora);
  const unread: Note[] = [];
  const tokenizer =
    loaded.gguf === undefined
      ? folder === null
        ? null
        : await tokenizerOf(folder, unread)
      : ggufTokenizer(loaded.gguf.tokens);
  const inspection: Inspection = {
    model: modelSummary(loaded),
    architecture,
    cache: cacheRows(architecture),
    ...(tokenizer === null
      ? {}
      : { tokenizer, padding: embeddingPadding(architecture, tokenizer.distinctIds) }),
    ...(loaded.gguf === undefined ? {} : { gguf: loaded.gguf }),
    ...(loaded.files === undefined ? {} : { files: fileFacts(loaded.files, architecture.parameters.stored) }),
    ...(flags.lora === undefined ? {} : { lora: { rank: flags.lora.rank, linears: adapted } }),
    notes: [...architecture.notes, ...loaded.notes, ...unread, ...adaptedExpertNotes(architecture, adapted)],
  };
  if (flags.json === true || flags.field !== undefined)
    printJson(io, inspectionJson(inspection), flags.field);
  else
    io.stdout(
      inspectionTable(inspection, {
        columns: io.columns,
        explain: flags.explain === true,
        paint: await painterFor(io),
      }),
    );
}

/** The tokenizer beside the config; one that cannot be read costs its section and no more. */
async function tokenizerOf(folder: string, unread: Note[]): Promise<TokenizerFacts | null> {
  try {
    return await readTokenizer(folder);
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    unread.push({
      code: "tokenizer-unreadable",
      message: `the embedding is not compared with the tokenizer: ${error.message}`,
    });
    return null;
  }
}

/** The vocabulary that a GGUF file carries: its ids are the places in the list. */
function ggufTokenizer(tokens: number | null): TokenizerFacts | null {
  if (tokens === null || tokens === 0) return null;
  return {
    file: "tokenizer.ggml.tokens",
    baseTokens: tokens,
    addedTokens: 0,
    largestId: tokens - 1,
    distinctIds: tokens,
  };
}

/** The directory whose tokenizer belongs to the model: the one typed, or that of a config.json. */
function folderOf(reference: string): string | null {
  const found = statSync(reference, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (found.isDirectory()) return reference;
  return /(^|[/\\])config\.json$/.test(reference) ? dirname(reference) : null;
}

const LARGEST_SHOWN = 5;

function fileFacts(files: StoredFiles, parameters: number): FileFacts {
  const largest = [...files.tensors].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST_SHOWN);
  return {
    container: files.container,
    files: files.files,
    fileBytes: files.fileBytes,
    totalBytes: files.totalBytes,
    formats: bytesByFormat(files),
    largest: largest.map(({ name, format, shape, bytes }) => ({ name, format, shape, bytes })),
    parameters,
  };
}
