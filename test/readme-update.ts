/** Rewrites the outputs in the README's console blocks: `npm run readme`, then review the diff. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  exampleFolder,
  havePublished,
  needsPublished,
  readExamples,
  root,
  runExample,
  withAccuracy,
} from "./readme-examples.ts";

const path = join(root, "README.md");
let readme = readFileSync(path, "utf8");
const folder = exampleFolder();
try {
  for (const example of readExamples(readme)) {
    // Shortened outputs are kept as someone shortened them.
    if (/^\.\.\.$/m.test(example.shown) || (needsPublished(example) && !havePublished)) continue;
    const start = readme.indexOf(`$ ${example.command}\n`) + example.command.length + 3;
    const end = start + example.shown.length;
    const output = await runExample(example, folder.path);
    readme = `${readme.slice(0, start)}${output}${example.shown === "" ? "\n" : ""}${readme.slice(end)}`;
  }
} finally {
  folder.remove();
}
writeFileSync(path, withAccuracy(readme));
