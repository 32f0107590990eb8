import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type DefinedCommand, definedCommands } from "../../src/cli/completion/definitions.ts";
import { ARGUMENT_VALUES, OPTION_VALUES, type WordSet, wordsOf } from "../../src/cli/completion/word-sets.ts";
import { createProgram } from "../../src/cli/program.ts";
import { storageByName } from "../../src/quantization/storage-by-name.ts";
import { invoke } from "./invoke.ts";
import { silentIo } from "./silent-io.ts";

const folder = mkdtempSync(join(tmpdir(), "vram-calc-completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "limits.yaml"), "");

const program = await createProgram({ session: { io: silentIo, exit: () => {} }, complain: () => {} });
const commands = definedCommands(program);

const hasShell = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const scripts = Object.fromEntries(
  await Promise.all(
    ["bash", "zsh", "fish"].map(async (shell) => {
      const file = join(folder, `completion.${shell}`);
      writeFileSync(file, (await invoke(`completion ${shell}`)).stdout);
      return [shell, file] as const;
    }),
  ),
);

/** Numbers, sizes and lists that nobody can finish for the user. */
const FREE: ReadonlySet<string> = new Set(
  "context batch tp pp ep dp dp-replicate cp lora budget lengths seq micro-batch grad-accum optimizer-rank loss-chunks lora-r lora-dropout unfrozen-layers virtual-stages max-growth range field gpus images torch transformers bitsandbytes".split(
    " ",
  ),
);

/** What is typed and some of what must be offered; the last word is being completed. */
const TYPED: readonly (readonly [words: string, offered: readonly string[], not: string])[] = [
  ["tr", ["train"], "check"],
  ["qwen2.5-1", ["qwen2.5-14b", "qwen2.5-1.5b"], "train"],
  ["14B --gpu rtx-409", ["rtx-4090"], "rtx-3060-12gb"],
  ["14B --dtype q4_k", ["q4_k_m"], "q8_0"],
  ["14B --kv-dt", ["--kv-dtype"], "--dtype"],
  ["14B --units ", ["GB", "GiB", "both"], "--json"],
  ["check --report j", ["json", "junit"], "csv"],
  ["check --baseline lim", ["limits.yaml"], "check"],
  ["check lim", ["limits.yaml"], "check"],
  ["train 7B --optimizer adamw-", ["adamw-8bit", "adamw-fused"], "sgd"],
  ["train 7B --method ", ["full", "lora", "qlora", "freeze"], "q8_0"],
  ["14B --engine v", ["vllm"], "sglang"],
  ["formats nf", ["nf4"], "fp16"],
  ["completion ", ["bash", "zsh", "fish"], "train"],
  ["14B --gpu 2xrtx-409", ["2xrtx-4090"], "rtx-4090"],
  ["14B --gpu h100,2xrtx-409", ["h100,2xrtx-4090"], "2xrtx-4090"],
  ["compare 14B --dtype bf16,q4_k", ["bf16,q4_k_m"], "q4_k_m"],
  ["14B --kv-dtype q8_0/q4", ["q8_0/q4_0"], "q4_0"],
  ["14B --set fa=off,ng", ["fa=off,ngl="], "ngl="],
  ["train 14B --lora-targets q_proj,v", ["q_proj,v_proj"], "v_proj"],
  ["14B --engine vllm@", ["vllm@0.19"], "vllm"],
  ["plot memory qwen2.5-1", ["qwen2.5-14b"], "gelu"],
  ["help com", ["compare", "completion"], "train"],
];

describe("completion", () => {
  test("every flag with a value offers words or files, or is known to be free", () => {
    const open = program.commands.concat(program).flatMap((command) =>
      command.options
        .filter((option) => option.required && option.argChoices === undefined)
        .map((option) => option.name())
        .filter((name) => OPTION_VALUES[name] === undefined && !FREE.has(name)),
    );
    expect([...new Set(open)]).toEqual([]);
    const lost = commands.filter((c) => c.argument.words === undefined && c.argument.choices === undefined);
    expect(lost.map((c) => c.name).sort()).toEqual(["check", "gpus", "jsonl"]);
  });

  test("word sets hold plain words, and the formats among them are read", () => {
    const sets = [...Object.values(OPTION_VALUES), ...Object.values(ARGUMENT_VALUES)].flatMap(
      (v) => v.words ?? [],
    );
    for (const set of new Set<WordSet>(sets)) {
      expect(wordsOf(set).length).toBeGreaterThan(2);
      for (const word of wordsOf(set)) expect(word).toMatch(/^[\w.+@=-]+$/);
    }
    for (const name of wordsOf("storage")) expect(() => storageByName(name)).not.toThrow();
  });

  test.for(["bash", "zsh", "fish"])("the %s script names every command and flag", (shell) => {
    const text = scriptText(shell);
    for (const command of commands as readonly DefinedCommand[]) {
      expect(text).toContain(command.name);
      for (const option of command.options)
        for (const flag of option.flags)
          expect(text).toContain(shell === "fish" ? flag.replace(/^-+/, "") : flag);
    }
  });

  test("another shell is refused by name", async () => {
    const run = await invoke("completion tcsh");
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/bash, zsh, fish/);
  });

  describe.skipIf(!hasShell("bash"))("in bash (skipped where there is no bash)", () => {
    test.for(TYPED)("vram-calc %s", ([typed, offered, not]) => {
      const words = ["vram-calc", ...typed.split(" ")];
      const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vram_calc; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const run = spawnSync("bash", ["-c", script, "-", scripts.bash!, ...words], {
        cwd: folder,
        encoding: "utf8",
      });
      expect(run.stderr).toBe("");
      expect(run.stdout.split("\n")).toEqual(expect.arrayContaining([...offered]));
      expect(run.stdout.split("\n")).not.toContain(not);
    });

    test("--flag=value, which bash splits at the sign", () => {
      const script = `source "$1"; COMP_WORDS=(vram-calc 14B --gpu = rtx-409); COMP_CWORD=4; _vram_calc; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const run = spawnSync("bash", ["-c", script, "-", scripts.bash!], { encoding: "utf8" });
      expect(run.stdout.split("\n")).toContain("rtx-4090");
    });
  });

  describe.skipIf(!hasShell("bash"))(
    "in bash, as readline splits words (skipped where there is no bash)",
    () => {
      /** The line, the words that bash makes of it, and what it puts in the place of the last one. */
      test.for([
        ["vram-calc 14B --gpu=2xrtx-409", ["--gpu", "=", "2xrtx-409"], "2xrtx-4090"],
        ["vram-calc 14B --gpu=rtx", ["--gpu", "=", "rtx"], "rtx-4090"],
        ["vram-calc 14B --gpu=", ["--gpu", "="], "rtx-4090"],
        ["vram-calc 14B --engine vllm@0.1", ["--engine", "vllm", "@", "0.1"], "0.19"],
        ["vram-calc 14B --engine vllm@", ["--engine", "vllm", "@"], "0.19"],
        ["vram-calc 14B --set fa=off,ng", ["--set", "fa", "=", "off,ng"], "off,ngl="],
        ["vram-calc 14B --dtype q4_k", ["--dtype", "q4_k"], "q4_k_m"],
      ] as const)("%s", ([line, last, offered]) => {
        const script = `source "$1"; shift; COMP_LINE="$1"; COMP_POINT=\${#1}; shift; COMP_WORDS=(vram-calc 14B "$@"); COMP_CWORD=$(($# + 1)); _vram_calc; printf '%s\\n' "\${COMPREPLY[@]}"`;
        const run = spawnSync("bash", ["-c", script, "-", scripts.bash!, line, ...last], {
          encoding: "utf8",
        });
        expect(run.stderr).toBe("");
        expect(run.stdout.split("\n")).toContain(offered);
      });
    },
  );

  test("fish: what every command has is said once", () =>
    expect(scriptText("fish").match(/-s h -l help/g)).toHaveLength(1));

  describe.skipIf(!hasShell("fish"))("in fish (skipped where there is no fish)", () => {
    test.for(TYPED)("vram-calc %s", ([typed, offered, not]) => {
      const run = spawnSync(
        "fish",
        ["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", scripts.fish!, `vram-calc ${typed}`],
        {
          cwd: folder,
          encoding: "utf8",
          env: { ...process.env, HOME: folder },
        },
      );
      expect(run.stderr).toBe("");
      const words = run.stdout.split("\n").map((line) => line.split("\t")[0]);
      expect(words).toEqual(expect.arrayContaining([...offered]));
      expect(words).not.toContain(not);
    });
  });

  describe.skipIf(!hasShell("zsh"))("in zsh (skipped where there is no zsh)", () => {
    test("the script parses and registers itself", () => {
      const script = `autoload -Uz compinit; compinit -u -D; source "$1"; print -r -- "$_comps[vram-calc]"`;
      const run = spawnSync("zsh", ["-f", "-c", script, "-", scripts.zsh!], {
        encoding: "utf8",
        cwd: folder,
      });
      expect(run.stderr).toBe("");
      expect(run.stdout.trim()).toBe("_vram_calc");
    });
  });
});

function scriptText(shell: string): string {
  return spawnSync("cat", [scripts[shell]!], { encoding: "utf8" }).stdout;
}
