import { findAccelerators } from "../../hardware/lookup.ts";
import { gpuRows, gpusTable } from "../../report/gpus.ts";
import { jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import type { DefineCommand } from "./command.ts";

/** `vram-calc gpus [filter]`. */
export const defineGpus: DefineCommand = (command, { io }) => {
  command
    .argument("[filter...]", "words that the name, vendor or generation holds: rtx 40, hopper, amd")
    .addOption(jsonOption())
    .action(async (words: readonly string[], options: { readonly json?: true }) => {
      const found = findAccelerators(words.join(" "));
      if (options.json === true) {
        io.stdout(`${JSON.stringify({ schema: "vram-calc/gpus@1", gpus: gpuRows(found) }, null, 2)}\n`);
        return;
      }
      const paint = await painterFor(io);
      io.stdout(`${gpusTable(found, { columns: io.columns, paint: (text) => paint("dim", text) })}\n`);
    });
};
