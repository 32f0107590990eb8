#!/usr/bin/env node
import { cachingRequire } from "./code-cache.ts";

// The program lies in the files beside this one, all of which are required through what is put here.
// biome-ignore lint/suspicious/noGlobalAssign: in CommonJS, which this file is built as, it is a parameter of the file.
require = cachingRequire(require, __dirname);

void import("./run.ts").then(({ run }) => run());
