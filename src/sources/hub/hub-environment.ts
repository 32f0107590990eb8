import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { VramCalcError } from "../../errors.ts";
import type { Credential } from "../http/exchange.ts";
import { parseUrl } from "../http/web-url.ts";

/** Environment variables by name, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const TRUE = /^(?:1|on|yes|true)$/i;

/** A variable that is set to the empty text counts as not set. */
const get = (env: Environment, name: string): string | undefined => env[name] || undefined;

const home = (env: Environment): string => get(env, "HOME") ?? get(env, "USERPROFILE") ?? homedir();

/** `~` and `$NAME` at work in a path variable, as the hub's Python client reads them. */
function expand(path: string, env: Environment): string {
  const named = path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, a, b) => get(env, a ?? b) ?? whole);
  return named === "~" || named.startsWith("~/") ? join(home(env), named.slice(1)) : named;
}

/** HF_HOME, else XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface (huggingface_hub at 03333b68, constants.py). */
function hubHome(env: Environment): string {
  const cache = get(env, "XDG_CACHE_HOME") ?? join(home(env), ".cache");
  return expand(get(env, "HF_HOME") ?? join(cache, "huggingface"), env);
}

/** Where downloads are kept: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE (its older name), else `hub` in HF_HOME. */
export function hubCacheFolder(env: Environment): string {
  const named = get(env, "HF_HUB_CACHE") ?? get(env, "HUGGINGFACE_HUB_CACHE");
  return named === undefined ? join(hubHome(env), "hub") : expand(named, env);
}

/** HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE says 1, on, yes or true. */
export function isHubOffline(env: Environment): boolean {
  return TRUE.test(get(env, "HF_HUB_OFFLINE") ?? get(env, "TRANSFORMERS_OFFLINE") ?? "");
}

/**
 * The hub's address: HF_ENDPOINT, which may end in a path (a company's mirror), else huggingface.co.
 *
 * @throws bad-option
 */
export function hubEndpoint(env: Environment): URL {
  const url = parseUrl(get(env, "HF_ENDPOINT") ?? "https://huggingface.co", "HF_ENDPOINT");
  url.search = "";
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/**
 * The user's token, for the hub's origin and no other: HF_TOKEN, HUGGING_FACE_HUB_TOKEN (its older name),
 * else the file at HF_TOKEN_PATH, else HF_HOME/token as `hf auth login` writes it (huggingface_hub at 08060680,
 * _auth.py). A file that cannot be
 * read counts as absent. HF_HUB_DISABLE_IMPLICIT_TOKEN=1 sends none.
 *
 * @throws bad-option for a token with characters that no token has; it is not repeated in the message
 */
export async function hubCredential(env: Environment, endpoint: URL): Promise<Credential | undefined> {
  if (TRUE.test(get(env, "HF_HUB_DISABLE_IMPLICIT_TOKEN") ?? "")) return undefined;
  const named = (get(env, "HF_TOKEN") ?? get(env, "HUGGING_FACE_HUB_TOKEN"))?.trim();
  const path = expand(get(env, "HF_TOKEN_PATH") ?? join(hubHome(env), "token"), env);
  const token = named || (await readTokenFile(path));
  if (token === undefined || token === "") return undefined;
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new VramCalcError("bad-option", {
      option: named ? "HF_TOKEN" : path,
      given: "a text with blanks or other characters that no token has",
      expected: "a token from the hub's settings page, such as hf_...",
    });
  return { origin: endpoint.origin, token };
}

async function readTokenFile(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size <= 65_536 ? (await readFile(path, "utf8")).trim() : undefined;
  } catch {
    return undefined;
  }
}
