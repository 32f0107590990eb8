/** Files of the package that are made from the program's own definitions when it is built. */
import { catalogueNames } from "../architecture/catalogue-names.ts";
import { accelerators } from "../hardware/accelerators.ts";
import { jsonSchemas } from "../schema/json-schemas.ts";
import { optionSpecs } from "./check/uses.ts";
import type { Io } from "./io.ts";
import { manPage } from "./man/man-page.ts";
import { createProgram } from "./program.ts";

/** Nothing is read or printed while the definitions are made. */
const NO_IO: Io = {
  stdout: () => {},
  stderr: () => {},
  readerLeft: false,
  readStdin: async () => "",
  stdinChunks: async function* () {},
  env: {},
  cwd: "",
  columns: 80,
  stdoutIsTerminal: false,
  stderrIsTerminal: false,
};

/** Path under `dist` -> text: the manual page and the JSON schemas. */
export async function shippedFiles(): Promise<ReadonlyMap<string, string>> {
  const program = await createProgram({ session: { io: NO_IO, exit: () => {} }, complain: () => {} });
  const suggest = {
    models: catalogueNames(),
    gpus: accelerators().map((accelerator) => accelerator.id),
  };
  const files = new Map([["man/vram-calc.1", manPage(program)]]);
  for (const [name, schema] of jsonSchemas(optionSpecs(), suggest))
    files.set(`schema/${name}`, `${JSON.stringify(schema)}\n`);
  return files;
}
