// V8 only skims a function that is not called where it stands, and reads it a second time when it is first called. One in
// parentheses it compiles at once. What ordinary commands call is found by running them, and put in parentheses.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "rolldown/parseAst";

const CONFIG = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 4096,
  num_hidden_layers: 32,
  vocab_size: 128256,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
};

/** Commands as people type them: every way to name a model offline, serving and training, dense layers and experts. */
const COMMANDS = [
  "14B --dtype fp16",
  "7B --gpu rtx-4090 --context 32k",
  "- --json",
  "qwen2.5-14b --engine vllm --gpu h100 --json",
  "mixtral-8x7b --explain",
  "llama-3.1-8b --engine llama.cpp --dtype q4_k_m",
  "train 14B",
  "train llama-3.1-8b --gpu h100",
  "train - --method lora --json",
  "train qwen3-8b --method qlora --checkpointing full",
  "train llama-3.1-70b --dp 8 --tp 4 --pp 2 --sharding zero1 --json",
  "train qwen3-30b-a3b --dp 8 --ep 8 --sharding fsdp2 --json",
  "train deepseek-v2-lite --tp 2 --framework megatron --json",
  "fit qwen3-30b-a3b --gpu h100",
];

/**
 * Rewrites the files of a built command line.
 *
 * @param {string} entry
 */
export function eagerFunctions(entry) {
  for (const [path, starts] of calledFunctions(entry)) {
    const code = readFileSync(path, "utf8");
    writeFileSync(path, eager(code, starts));
  }
}

/**
 * Where the functions start, by file, that half of the commands call which load the file.
 *
 * @param {string} entry @returns {Map<string, Set<number>>}
 */
function calledFunctions(entry) {
  const loads = new Map();
  const calls = new Map();
  const folder = mkdtempSync(join(tmpdir(), "vram-calc-calls-"));
  for (const command of COMMANDS) {
    const { status, stderr } = spawnSync(process.execPath, [entry, ...command.split(" ")], {
      env: { ...process.env, NODE_V8_COVERAGE: folder },
      input: JSON.stringify(CONFIG),
      encoding: "utf8",
    });
    if (status !== 0 && status !== 1) throw new Error(`${command} ended with ${status}: ${stderr}`);
  }
  for (const file of readdirSync(folder))
    for (const { url, functions } of JSON.parse(readFileSync(join(folder, file), "utf8")).result) {
      if (!url.startsWith("file:")) continue;
      const path = fileURLToPath(url);
      loads.set(path, (loads.get(path) ?? 0) + 1);
      const counts = calls.get(path) ?? new Map();
      calls.set(path, counts);
      for (const { ranges } of functions) {
        const [{ startOffset, count }] = ranges;
        if (count > 0) counts.set(startOffset, (counts.get(startOffset) ?? 0) + 1);
      }
    }
  rmSync(folder, { recursive: true });
  if (!loads.has(entry)) throw new Error(`no calls were counted in ${basename(entry)}`);
  return new Map(
    [...calls].map(([path, counts]) => [
      path,
      new Set([...counts].filter(([, n]) => 2 * n >= loads.get(path)).map(([start]) => start)),
    ]),
  );
}

/**
 * The functions that start there in parentheses: declarations as variables at the top, where declarations are hoisted to,
 * and arrow functions as function expressions, because V8 gives parentheses around an arrow no meaning.
 *
 * @param {string} code @param {ReadonlySet<number>} starts
 */
function eager(code, starts) {
  const { body } = parseAst(code);
  const chosen = body.filter((node) => node.type === "FunctionDeclaration" && starts.has(node.start));
  const edits = arrowEdits(
    body,
    (node) => starts.has(node.start) && !OF_ITS_OWN.test(code.slice(node.start, node.end)),
  );
  const text = (from, to) => {
    let written = "";
    let at = from;
    for (const [start, end, replacement] of edits) {
      if (start < from || end > to) continue;
      written += code.slice(at, start) + replacement;
      at = end;
    }
    return written + code.slice(at, to);
  };
  if (chosen.length === 0) return text(0, code.length);
  const top = body.find((node) => !("directive" in node)).start;
  let rest = "";
  let at = top;
  for (const { start, end } of chosen) {
    rest += text(at, start);
    at = end;
  }
  const variables = chosen.map(({ id, start, end }) => `${id.name}=(${text(start, end)})`);
  return `${code.slice(0, top)}var ${variables.join()};${rest}${text(at, code.length)}`;
}

/** What a function expression has of its own and an arrow function takes from around it. */
const OF_ITS_OWN = /\b(this|arguments|super|new\.target)\b/;

/** What to replace, in order, so that arrow functions become function expressions in parentheses. */
function arrowEdits(body, isChosen) {
  const edits = [];
  // Inner ones first: where several end together, theirs is the first end.
  const visit = (node) => {
    if (node === null || typeof node !== "object") return;
    for (const child of Object.values(node)) visit(child);
    if (node.type !== "ArrowFunctionExpression" || !isChosen(node)) return;
    const { async, params, body, expression, start, end } = node;
    const head = async ? "(async function(" : "(function(";
    const open = expression ? "){return " : ")";
    if (params.length === 0) edits.push([start, body.start, head + open]);
    else edits.push([start, params[0].start, head], [params.at(-1).end, body.start, open]);
    edits.push([body.end, end, expression ? "})" : ")"]);
  };
  visit(body);
  return edits.sort(([a], [b]) => a - b);
}
