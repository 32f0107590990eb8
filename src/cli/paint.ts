import type { Paint, Style } from "../report/paint.ts";
import { plain } from "../report/paint.ts";
import type { Io } from "./io.ts";

/** True when colour is wanted: a terminal or FORCE_COLOR, unless NO_COLOR (any value) or a dumb terminal. */
function wantsColour(io: Io): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "0" && FORCE_COLOR !== "false") return true;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  return io.stdoutIsTerminal && TERM !== "dumb" && FORCE_COLOR === undefined;
}

/** The painter for standard output; chalk is loaded only when there is colour to make. */
export async function painterFor(io: Io): Promise<Paint> {
  if (!wantsColour(io)) return plain;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const styles: { readonly [S in Style]: (text: string) => string } = {
    strong: chalk.bold,
    dim: chalk.dim,
    good: chalk.green,
    bad: chalk.red,
    exact: chalk.green,
    modelled: chalk.cyan,
    assumed: chalk.yellow,
  };
  return (style, text) => styles[style](text);
}
