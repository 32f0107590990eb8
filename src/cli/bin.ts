#!/usr/bin/env node
import { EXIT } from "../errors.ts";
import { nodeIo } from "./io.ts";
import { main } from "./main.ts";

// A reader that closes the pipe early (`| head -1`) has what it wanted: end quietly.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    process.exit(EXIT.bug);
  });
}

main(process.argv.slice(2), nodeIo()).then((code) => {
  process.exitCode = code;
});
