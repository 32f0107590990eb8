import { Option } from "commander";
import { EXIT } from "../../errors.ts";
import { parseFormatsArguments } from "../../formats/formats-arguments.ts";
import type { Overflow } from "../../formats/overflow.ts";
import { formatsData, formatsText } from "../../report/formats.ts";
import { explainOption, fieldOption, jsonOption } from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import type { DefineCommand } from "./command.ts";

interface FormatsFlags {
  readonly overflow?: Overflow;
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
}

const OVERFLOWS: readonly Overflow[] = ["saturate", "infinity", "nan", "throw"];

/** `vram-calc formats [names] [values]`. */
export const defineFormats: DefineCommand = (command, { io, exit }) => {
  command
    .argument("[words...]", "formats and values: fp16, bf16 3.14159, fp16 bf16 fp8 70000")
    .addOption(
      new Option(
        "--overflow <rule>",
        "what becomes of values past the largest; throw refuses them with exit code 2 (default: as the format does)",
      ).choices(OVERFLOWS),
    )
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption())
    // A negative value starts like a flag.
    .allowUnknownOption()
    .action(async (words: readonly string[], flags: FormatsFlags) => {
      const request = parseFormatsArguments(words);
      const { overflow } = flags;
      const data = formatsData(request, overflow);
      const refused = data.values.filter(({ outcome }) => overflow === "throw" && outcome === "refused");
      for (const { typed, format } of refused)
        io.stderr(`vram-calc: --overflow throw got ${typed}, which does not fit ${format}.\n`);
      if (refused.length > 0) exit(EXIT.badRequest);
      if (flags.json === true || flags.field !== undefined) {
        printJson(io, data, flags.field);
        return;
      }
      const paint = await painterFor(io);
      const options = {
        columns: io.columns,
        paint,
        explain: flags.explain === true,
        ...(overflow === undefined ? {} : { overflow }),
      };
      io.stdout(`${formatsText(request, options)}\n`);
    });
};
