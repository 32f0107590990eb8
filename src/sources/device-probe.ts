import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { VramCalcError } from "../errors.ts";
import type { Bytes } from "../units.ts";

/** A device of this machine, as its management tool describes it now. */
export interface ProbedDevice {
  readonly name: string;
  readonly tool: ToolName;
  readonly totalBytes: Bytes;
  readonly freeBytes: Bytes;
}

export interface ProbeOptions {
  /** Where PATH is read from. The tools are looked up there and nowhere else. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}

type ToolName = "nvidia-smi" | "rocm-smi";

interface Tool {
  readonly name: ToolName;
  readonly args: readonly string[];
  /** Throws an Error whose message says what was wrong with the output. */
  readonly parse: (output: string) => ProbedDevice[];
}

const TOOLS: readonly Tool[] = [
  {
    name: "nvidia-smi",
    args: ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"],
    parse: parseNvidiaSmi,
  },
  {
    name: "rocm-smi",
    args: ["--showproductname", "--showmeminfo", "vram", "--json"],
    parse: parseRocmSmi,
  },
];

const MOST_OUTPUT_BYTES = 1 << 20;
const MOST_DEVICES = 1024;

/**
 * The GPUs of this machine with their total and free bytes, from nvidia-smi or else rocm-smi.
 *
 * The total is the management tool's, a little more than one process can allocate; what is free already
 * lacks what other processes hold.
 *
 * @throws source-unavailable when neither tool is on PATH or neither answers within the time
 */
export async function probeDevices(options: ProbeOptions = {}): Promise<readonly ProbedDevice[]> {
  const env = options.env ?? process.env;
  const timeoutMs = options.timeoutMs ?? 10_000;
  const reasons: string[] = [];
  for (const tool of TOOLS) {
    const file = await findOnPath(tool.name, env);
    if (file === undefined) continue;
    try {
      const devices = tool.parse(await run(file, { args: tool.args, env, timeoutMs }));
      if (devices.length > 0) return devices;
      reasons.push(`${tool.name} lists no device`);
    } catch (error) {
      reasons.push(`${tool.name} ${(error as Error).message}`);
    }
  }
  throw new VramCalcError("source-unavailable", {
    source: "local GPU",
    reason: reasons.length > 0 ? reasons.join("; ") : "neither nvidia-smi nor rocm-smi is on PATH",
    hint: "name the card (--gpu rtx-4090) or its size (--budget 24GiB)",
  });
}

async function findOnPath(name: string, env: NonNullable<ProbeOptions["env"]>): Promise<string | undefined> {
  const windows = process.platform === "win32";
  const path = Object.entries(env).find(([key]) => (windows ? key.toUpperCase() : key) === "PATH")?.[1];
  for (const folder of (path ?? "").split(delimiter)) {
    if (folder === "") continue; // An empty entry means the current folder, which must not decide what runs.
    const file = join(folder, windows ? `${name}.exe` : name);
    try {
      await access(file, constants.X_OK);
      if ((await stat(file)).isFile()) return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

interface RunOptions {
  readonly args: readonly string[];
  readonly env: NonNullable<ProbeOptions["env"]>;
  readonly timeoutMs: number;
}

function run(file: string, { args, env, timeoutMs }: RunOptions): Promise<string> {
  const options = {
    env,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: MOST_OUTPUT_BYTES,
    windowsHide: true,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      if (error.code === ("ERR_CHILD_PROCESS_STDIO_MAXBUFFER" as never))
        return reject(new Error(`printed more than ${MOST_OUTPUT_BYTES} bytes`));
      if (error.killed === true) return reject(new Error(`gave no answer within ${timeoutMs / 1000} s`));
      const [said] = stdout.trim().split("\n", 1);
      const how =
        typeof error.code === "number" ? `ended with exit code ${error.code}` : `did not run (${error.code})`;
      reject(new Error(said === undefined || said === "" ? how : `${how}: ${said.slice(0, 200)}`));
    });
    child.stdin?.end();
  });
}

/** Lines such as `NVIDIA GeForce RTX 4090, 24564, 23028`, in MiB. */
function parseNvidiaSmi(output: string): ProbedDevice[] {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > MOST_DEVICES) throw new Error(`lists ${lines.length} devices`);
  return lines.map((line) => {
    const match = /^(.+),\s*([^,]+),\s*([^,]+)$/.exec(line.trim().slice(0, 300));
    const [total, free] = [match?.[2], match?.[3]].map((text) => wholeNumber(text));
    if (match === null || total === undefined || free === undefined)
      throw new Error(
        /\[?(N\/A|Not Supported)\]?/i.test(line)
          ? `reports no memory of its own for this device (${line.trim().slice(0, 100)})`
          : `printed "${line.trim().slice(0, 100)}" where name, total and free were expected`,
      );
    return checked({
      name: match[1]!.trim(),
      tool: "nvidia-smi",
      totalBytes: total * 2 ** 20,
      freeBytes: free * 2 ** 20,
    });
  });
}

/** An object of cards: `{"card0": {"VRAM Total Memory (B)": "25753026560", "VRAM Total Used Memory (B)": "..."}}`. */
function parseRocmSmi(output: string): ProbedDevice[] {
  const text = output.slice(output.indexOf("{")); // Warnings may come first.
  let cards: unknown;
  try {
    cards = JSON.parse(text);
  } catch {
    throw new Error("printed no JSON");
  }
  const entries = Object.entries(cards as object).filter(([key]) => key.startsWith("card"));
  if (entries.length > MOST_DEVICES) throw new Error(`lists ${entries.length} devices`);
  return entries.map(([key, value]) => {
    const card = (typeof value === "object" && value !== null ? value : {}) as Readonly<
      Record<string, unknown>
    >;
    const total = wholeNumber(card["VRAM Total Memory (B)"]);
    const used = wholeNumber(card["VRAM Total Used Memory (B)"]);
    if (total === undefined || used === undefined) throw new Error(`gives no VRAM total and used for ${key}`);
    const name = [card["Card Series"], card["Card series"], card["Card model"]].find(
      (text) => typeof text === "string" && text !== "" && !/^(0x|N\/A)/i.test(text),
    ) as string | undefined;
    return checked({
      name: name?.slice(0, 100) ?? key,
      tool: "rocm-smi",
      totalBytes: total,
      freeBytes: total - used,
    });
  });
}

function wholeNumber(value: unknown): number | undefined {
  const text = String(value).trim();
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function checked(device: ProbedDevice): ProbedDevice {
  const { totalBytes, freeBytes, name } = device;
  if (!(totalBytes > 0 && freeBytes >= 0 && freeBytes <= totalBytes && totalBytes <= 2 ** 50))
    throw new Error(`reports ${freeBytes} of ${totalBytes} bytes free for ${name}`);
  return device;
}
