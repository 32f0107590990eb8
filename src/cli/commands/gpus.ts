import { findAccelerators } from "../../hardware/lookup.ts";
import { gpuRows, gpusTable } from "../../report/gpus.ts";
import { fieldOption, jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import type { DefineCommand } from "./command.ts";

/** `vram-calc gpus [filter]`. */
export const defineGpus: DefineCommand = (command, { io }) => {
  command
    .argument("[filter...]", "words that the name, vendor or generation holds: rtx 40, hopper, amd")
    .addOption(jsonOption())
    .addOption(fieldOption())
    .action(async (words: readonly string[], options: { readonly json?: true; readonly field?: string }) => {
      const found = findAccelerators(words.join(" "));
      if (options.json === true || options.field !== undefined) {
        printJson(io, { schema: "vram-calc/gpus@1", gpus: gpuRows(found), notes: [] }, options.field);
        return;
      }
      const paint = await painterFor(io);
      io.stdout(`${gpusTable(found, { columns: io.columns, paint: (text) => paint("dim", text) })}\n`);
    });
};
