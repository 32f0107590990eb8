/**
 * V8's compiled code of this program, kept between runs: compiling is half of what a start costs beyond node's own.
 * Node has the same built in from 22.8 on (`module.enableCompileCache`), and this program starts on 20.
 *
 * It is never in the way: where nothing can be kept or read back, the program is loaded as it always is. Who runs it
 * once pays nothing either: the first run makes the folder, the second fills it, the third is the faster one.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";

type Environment = Readonly<Record<string, string | undefined>>;
type Load = (id: string) => unknown;

const OTHER_RUNTIME = "bun" in process.versions || "deno" in process.versions;

/** The folders, each in the one before, or none where the environment names none or asks for no cache. */
export function codeFolders(env: Environment): readonly string[] {
  // V8 counts calls by their place in a file, and code that it did not compile itself has none. Others than node compile otherwise.
  if (env.NODE_DISABLE_COMPILE_CACHE || env.NODE_V8_COVERAGE || OTHER_RUNTIME) return [];
  const home = env.HOME && `${env.HOME}/.cache`;
  const root = [env.XDG_CACHE_HOME, process.platform === "win32" ? env.LOCALAPPDATA : home].find(
    (path) => path !== undefined && /^(\/|[a-z]:[/\\])/i.test(path),
  );
  if (root === undefined) return [];
  const own = `${root}/vram-calc`;
  return [root, own, `${own}/code-${process.version}-${process.arch}`];
}

/**
 * A `require` for files of `directory`, given as `./name`, that reads and keeps their compiled code. The name of a file
 * has to change with its text, as V8 only compares lengths.
 */
export function cachingRequire(
  require: NodeJS.Require,
  directory: string,
  env: Environment = process.env,
): NodeJS.Require {
  const folders = codeFolders(env);
  const folder = folders.at(-1);
  if (folder === undefined) return require;
  const state = ownership(folder);
  if (state === "absent") process.once("exit", () => quietly(() => makeFolders(folders)));

  const fresh = new Map<string, Script>();
  // At the end, when what ran is compiled too.
  process.once("exit", () => {
    for (const [path, script] of fresh) quietly(() => writeTwice(path, script.createCachedData()));
  });
  const modules = new Map<string, { exports: unknown }>();
  const load: Load = (id) => {
    if (!id.startsWith("./")) return require(id);
    const name = id.slice(2);
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const path = `${directory}/${name}`;
    const kept = `${folder}/${name}.bin`;
    const { script, isFresh } = compile(path, state === "own" ? readTwice(kept) : undefined);
    if (state === "own" && isFresh) fresh.set(kept, script);
    const body: ModuleFunction = script.runInThisContext();
    body(module.exports, load, module, path, directory);
    return module.exports;
  };
  return Object.assign(load, require) as NodeJS.Require;
}

/** Whether a folder is this user's and nobody else can write to it: what lies in it is run. */
function ownership(folder: string): "own" | "absent" | "another's" {
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) return "absent";
    const user = process.getuid?.();
    return user === undefined || (stats.uid === user && (stats.mode & 0o022) === 0) ? "own" : "another's";
  } catch {
    return "another's";
  }
}

function makeFolders(folders: readonly string[]): void {
  for (const [i, folder] of folders.entries()) {
    // Not beside what belongs to somebody else, as under sudo with the home of the user.
    const parent = folders[i - 1] ?? folder.replace(/[/\\][^/\\]*$/, "");
    if (ownership(folder) === "absent" && ownership(parent) === "own") mkdirSync(folder, { mode: 0o700 });
  }
}

type ModuleFunction = (
  exports: unknown,
  require: Load,
  module: { exports: unknown },
  filename: string,
  dirname: string,
) => void;

function compile(path: string, cachedData: Buffer | undefined): { script: Script; isFresh: boolean } {
  const code = `(function(exports,require,module,__filename,__dirname){${readFileSync(path, "utf8")}\n})`;
  const script = new Script(code, { filename: path, ...(cachedData && { cachedData }) });
  return { script, isFresh: cachedData === undefined || script.cachedDataRejected === true };
}

/**
 * Everything is kept twice: V8 runs what it is given unchecked, a flipped bit ends the process, and to compare two halves
 * takes a tenth of what it takes to load a checksum.
 */
function readTwice(path: string): Buffer | undefined {
  try {
    const both = readFileSync(path);
    const half = both.length / 2;
    const data = both.subarray(0, half);
    return half > 0 && data.equals(both.subarray(half)) ? data : undefined;
  } catch {
    return undefined;
  }
}

function writeTwice(path: string, data: Buffer): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, Buffer.concat([data, data]), { mode: 0o600 });
  renameSync(draft, path);
}

/** A cache that cannot be written is none. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {}
}
