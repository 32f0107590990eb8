import { Option } from "commander";
import { parseFormatsArguments } from "../../formats/formats-arguments.ts";
import type { Overflow } from "../../formats/overflow.ts";
import { formatsData, formatsText } from "../../report/formats.ts";
import { fieldOption, jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import type { DefineCommand } from "./command.ts";

interface FormatsFlags {
  readonly overflow?: Overflow;
  readonly json?: true;
  readonly field?: string;
}

const OVERFLOWS: readonly Overflow[] = ["saturate", "infinity", "nan", "throw"];

/** `vram-calc formats [names] [values]`. */
export const defineFormats: DefineCommand = (command, { io }) => {
  command
    .argument("[words...]", "formats and values: fp16, bf16 3.14159, fp16 bf16 fp8 70000")
    .addOption(
      new Option(
        "--overflow <rule>",
        "what becomes of values past the largest (default: as the format does)",
      ).choices(OVERFLOWS),
    )
    .addOption(jsonOption())
    .addOption(fieldOption())
    // A negative value starts like a flag.
    .allowUnknownOption()
    .action(async (words: readonly string[], flags: FormatsFlags) => {
      const request = parseFormatsArguments(words);
      const { overflow } = flags;
      if (flags.json === true || flags.field !== undefined) {
        printJson(io, formatsData(request, overflow), flags.field);
        return;
      }
      const paint = await painterFor(io);
      const options = { columns: io.columns, paint, ...(overflow === undefined ? {} : { overflow }) };
      io.stdout(`${formatsText(request, options)}\n`);
    });
};
