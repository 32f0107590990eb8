// Builds dist: the command line as CommonJS, the library as ES module and CommonJS, and the types of both.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import { eagerFunctions } from "./eager-functions.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });

/** @param {import("rolldown").InputOptions} input @param {import("rolldown").OutputOptions[]} outputs */
async function bundle(input, ...outputs) {
  const build = await rolldown({ cwd: root, platform: "node", transform: { target: "node20" }, ...input });
  for (const output of outputs) await build.write(output);
  await build.close();
}

// Commander is CommonJS. Bundled as such, each of its files is a closure that V8 scans with the file and again when
// it is called; as modules they are scanned once. What it takes from node is loaded when it is used: child_process
// alone takes 1.5 ms, a tenth of our share of the start-up, and is only for subcommands that are separate programs.
const COMMANDER = "\0commander";
const COMMANDER_FILES = ["argument", "command", "error", "help", "option"];
const commanderModules = {
  name: "commander-modules",
  resolveId: { filter: { id: /^commander$/ }, handler: () => COMMANDER },
  load: {
    filter: { id: /^\0commander$/ },
    handler: () =>
      COMMANDER_FILES.map((name) => join(root, `node_modules/commander/lib/${name}.js`))
        .map((path) => `export * from ${JSON.stringify(path)};`)
        .join("\n"),
  },
  transform: {
    filter: { id: /commander[/\\]lib[/\\]\w+\.js$/ },
    handler(code) {
      const taken = (name) => new Set(code.match(new RegExp(`(?<=\\b${name}\\.)\\w+(?=\\()`, "g")));
      const lazily = (_, name, builtin) =>
        `const ${name} = { ${[...taken(name)].map((key) => `get ${key}() { return require("${builtin}").${key}; }`).join(", ")} };`;
      const module = code
        .replace(/^const (\w+) = require\('(node:events)'\)\.\1;$/gm, 'import { $1 } from "$2";')
        .replace("const process = require('node:process');\n", "")
        .replace(/^const (\w+) = require\('(node:\w+)'\);$/gm, lazily)
        .replace(/^const (\{[^}]*\}) = require\('(\.\/\w+)(?:\.js)?'\);$/gm, 'import $1 from "$2.js";')
        .replace(/^exports\.(\w+) = \1;/gm, "export { $1 };");
      if (/\brequire\('|^exports\./m.test(module))
        this.error("a file of commander is not of the form known here");
      return { code: module, moduleType: "js" };
    },
  },
};

// What the program reaches by static imports, which is what every run needs, goes into one file with what serving and
// training both reach, and what the text decoders and the common families reach besides into two others, where they would
// be an import of their own families.
const always = new Set();
const serving = new Set();
const main = new Set();
const decoders = new Set();
const common = new Set();
const training = new Set();
const staticClosure = {
  name: "static-closure",
  buildEnd() {
    const close = (closure, isStart) => {
      const queue = [...this.getModuleIds()].filter(isStart);
      for (const id of queue) {
        if (closure.has(id)) continue;
        closure.add(id);
        queue.push(...(this.getModuleInfo(id)?.importedIds ?? []));
      }
    };
    close(always, (id) => /cli[/\\]run\.ts$/.test(id));
    close(serving, (id) => /cli[/\\]commands[/\\]estimate\.ts$/.test(id));
    close(training, (id) => /cli[/\\]commands[/\\]train\.ts$/.test(id));
    close(main, (id) => /architecture[/\\]main-registry\.ts$/.test(id));
    close(decoders, (id) => /architecture[/\\]decoder-registry\.ts$/.test(id));
    close(common, (id) => /architecture[/\\]common-registry\.ts$/.test(id));
  },
};

// The bundler's runtime, six pure functions, gets a file of its own, and to resolve and load one more file before
// anything else takes a tenth of our share of the start-up: it is put where it is used.
const inlineRuntime = {
  name: "inline-runtime",
  generateBundle(_options, files) {
    const runtime = Object.keys(files).find((name) => name.startsWith("rolldown-runtime-"));
    if (runtime === undefined) this.error("the bundler's runtime has no file of its own");
    const inline = `(exports=>{${files[runtime].code}return exports})({})`;
    for (const file of Object.values(files))
      if (file.type === "chunk") file.code = file.code.replaceAll(`require("./${runtime}")`, () => inline);
    delete files[runtime];
  },
};

// The minifier writes every string as a template, which V8 scans more slowly than a quoted string, because it keeps
// the raw text of a template too. They are quoted again.
const quotedStrings = {
  name: "quoted-strings",
  generateBundle(_options, files) {
    for (const file of Object.values(files))
      if (file.type === "chunk") file.code = quoted(file.code, plainTemplates(parseAst(file.code)));
  },
};

/** Templates without substitutions that no function is tagged with. */
function plainTemplates(node, found = []) {
  if (node === null || typeof node !== "object") return found;
  if (node.type === "TaggedTemplateExpression")
    return plainTemplates(node.tag, plainTemplates(node.quasi.expressions, found));
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) found.push(node);
  else for (const child of Object.values(node)) plainTemplates(child, found);
  return found;
}

function quoted(code, templates) {
  let text = "";
  let at = 0;
  for (const { start, end, quasis } of templates.sort((a, b) => a.start - b.start)) {
    const string = JSON.stringify(quasis[0].value.cooked).replace(
      /[^ -~]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    text += code.slice(at, start) + string;
    at = end;
  }
  return text + code.slice(at);
}

// What one file gives to another is behind getters, each a function and a descriptor that are made at every start, although
// only a binding that is assigned again needs one.
const plainExports = {
  name: "plain-exports",
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (file.type !== "chunk") continue;
      const fixed = fixedBindings(parseAst(file.code).body);
      file.code = file.code.replace(
        /Object\.defineProperty\(exports,"([\w$]+)",\{enumerable:!0,get:function\(\)\{return ([\w$]+)\}\}\)/g,
        (getter, name, binding) => (fixed.has(binding) ? `exports.${name}=${binding}` : getter),
      );
    }
  },
};

/** Names at the top of a file that keep their first value. */
const fixedBindings = (body) =>
  new Set(
    body.flatMap((node) => {
      if (node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") return [node.id.name];
      return node.type === "VariableDeclaration" && node.kind === "const"
        ? node.declarations.map(({ id }) => id.name)
        : [];
    }),
  );

// CommonJS starts faster than the same ES module. The main command is one small file; what only some commands
// need lies in files of its own, because every 100 KB that node has to scan costs a millisecond.
await bundle(
  {
    input: { "vram-calc": "src/cli/bin.ts" },
    plugins: [commanderModules, staticClosure, inlineRuntime, quotedStrings, plainExports],
  },
  {
    dir: "dist/cli",
    format: "cjs",
    // One character outside of ASCII, and V8 keeps and scans the whole file at two bytes per character.
    minify: { codegen: { asciiOnly: true } },
    exports: "named",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name]-[hash].cjs",
    codeSplitting: {
      groups: [
        {
          name: "program",
          test: (id) => always.has(id) || (serving.has(id) && training.has(id)),
          priority: 2,
        },
        { name: "serving", test: (id) => serving.has(id), priority: 1.5 },
        // Every config on disk needs all of these, and a file each would cost a third of a millisecond each.
        {
          name: "config",
          test: /src[/\\]sources[/\\](json|bytes|(config-source|model-folder|stored-weights)\.ts)/,
          priority: 1,
        },
        { name: "main", test: (id) => main.has(id), priority: 0.7 },
        { name: "decoders", test: (id) => decoders.has(id), priority: 0.5 },
        { name: "common", test: (id) => common.has(id), priority: 0 },
        // All of a training estimate, which `fit` for training needs too.
        {
          name: "training",
          test: (id) => training.has(id) && /train/.test(id.replace(/.*[/\\\\]src[/\\\\]/, "")),
          priority: 0,
        },
      ],
    },
  },
);
eagerFunctions(join(dist, "cli/vram-calc.cjs"));
chmodSync(join(dist, "cli/vram-calc.cjs"), 0o755);

await bundle(
  { input: { index: "src/index.ts", sources: "src/sources.ts" }, external: ["zod"] },
  { dir: "dist", format: "esm", chunkFileNames: "chunks/[name]-[hash].js" },
  { dir: "dist/cjs", format: "cjs", exports: "named", chunkFileNames: "chunks/[name]-[hash].js" },
);

execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", ".config/tsconfig.types.json"],
  {
    cwd: root,
    stdio: "inherit",
  },
);
// The same declarations twice: read as ES module types from dist/types and as CommonJS types from dist/cjs/types.
writeFileSync(join(dist, "cjs/package.json"), '{ "type": "commonjs" }\n');
cpSync(join(dist, "types"), join(dist, "cjs/types"), { recursive: true });

// The manual page and the JSON schemas, made by the program from its own definitions.
const making = join(dist, "making");
await bundle(
  { input: { files: "src/cli/shipped-files.ts" } },
  { dir: making, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
);
const { shippedFiles } = await import(pathToFileURL(join(making, "files.mjs")).href);
for (const [path, text] of await shippedFiles()) {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  writeFileSync(join(dist, path), text);
}
rmSync(making, { recursive: true });
