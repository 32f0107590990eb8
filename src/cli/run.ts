import { nodeIo } from "./io.ts";
import { main } from "./main.ts";

/** The whole program in this process: its arguments, its streams, its exit code. */
export async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), nodeIo());
}
