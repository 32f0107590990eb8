#!/usr/bin/env node
import { nodeIo } from "./io.ts";
import { main } from "./main.ts";

main(process.argv.slice(2), nodeIo()).then((code) => {
  process.exitCode = code;
});
