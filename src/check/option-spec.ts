/** An option that a row may carry, as the command line defines it. */
export interface OptionSpec {
  /** Name in code and JSON: "kvDtype". */
  readonly key: string;
  /** Name as a flag, which rows may use too: "kv-dtype". */
  readonly name: string;
  /** A switch is true or false, a text may be written as a number, pairs may be written as a map. */
  readonly takes: "switch" | "text" | "pairs";
  readonly choices?: readonly string[];
  readonly description: string;
}
