import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { Inspection } from "../../report/inspect.ts";
import { assumeFamilyOption, jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import type { Session } from "../session.ts";
import type { CommandEntry } from "./command.ts";

interface InspectFlags {
  readonly json?: true;
  readonly assumeFamily?: string;
}

/** `vram-calc inspect <model>`: what a model is made of. */
export const inspectCommand: CommandEntry = {
  name: "inspect",
  summary: "what a model is made of: parameters, layers, cache, linears, padding rows",
  define: (command, session) => {
    command
      .argument("<model>", "catalogue name, config.json, directory, or - for a config on stdin")
      .addOption(assumeFamilyOption())
      .addOption(jsonOption())
      .action((reference: string, flags: InspectFlags) => inspect(reference, flags, session));
  },
};

async function inspect(reference: string, flags: InspectFlags, { io }: Session): Promise<void> {
  const { loadModel } = await import("../../sources/load-model.ts");
  const { readTokenizer } = await import("../../sources/tokenizer.ts");
  const { inspectionJson, inspectionTable } = await import("../../report/inspect.ts");
  const { cacheRows } = await import("../../memory/cache-rows.ts");
  const { embeddingPadding } = await import("../../architecture/padding.ts");
  const loaded = await loadModel(reference, {
    readStdin: io.readStdin,
    env: io.env,
    ...(flags.assumeFamily === undefined ? {} : { assumeFamily: flags.assumeFamily }),
  });
  const folder = folderOf(reference);
  const tokenizer = folder === null ? null : await readTokenizer(folder);
  const { architecture } = loaded;
  const inspection: Inspection = {
    id: loaded.id,
    source: loaded.source,
    architecture,
    cache: cacheRows(architecture),
    ...(tokenizer === null
      ? {}
      : { tokenizer, padding: embeddingPadding(architecture, tokenizer.distinctIds) }),
    notes: [...architecture.notes, ...loaded.notes],
  };
  io.stdout(
    flags.json === true
      ? `${JSON.stringify(inspectionJson(inspection), null, 2)}\n`
      : inspectionTable(inspection, { columns: io.columns, paint: await painterFor(io) }),
  );
}

/** The directory whose tokenizer belongs to the model: the one typed, or that of a config.json. */
function folderOf(reference: string): string | null {
  const found = statSync(reference, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (found.isDirectory()) return reference;
  return /(^|[/\\])config\.json$/.test(reference) ? dirname(reference) : null;
}
