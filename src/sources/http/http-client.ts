import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import { type Answer, type AnswerHead, type Credential, exchange } from "./exchange.ts";
import { createGate } from "./gate.ts";
import { HTTP_LIMITS, type HttpLimits } from "./http-limits.ts";
import { printableUrl } from "./web-url.ts";

export interface HttpClientOptions {
  /** Defaults to the global `fetch`. */
  readonly fetch?: typeof fetch;
  readonly limits?: Partial<HttpLimits>;
  /** Waits between tries, less when the signal fires; tests pass one that only notes the time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds since 1970, for a Retry-After that names a date. */
  readonly now?: () => number;
  /** Told in a few words what is being waited for. */
  readonly progress?: (text: string) => void;
}

export interface HttpRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credential?: Credential | undefined;
  /** The largest body to take of this answer; see `Exchange`. */
  readonly bodyLimit: (head: AnswerHead) => Bytes;
}

export interface HttpClient {
  /**
   * One GET within the client's limits. An answer of 4xx is returned for the caller to explain.
   *
   * @throws source-unavailable when no answer came, or none but "later" (408, 429, 5xx)
   */
  readonly get: (request: HttpRequest) => Promise<Answer>;
  /** Breaks off whatever is under way, so that a failed run ends at once. */
  readonly close: () => void;
}

const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Failures that the next second will not change, with what to say of them. */
const FINAL: ReadonlyMap<string, string> = new Map([
  ["ENOTFOUND", "the host name is not known"],
  ["EAI_AGAIN", "the host name could not be looked up"],
  ["ECONNREFUSED", "the connection was refused"],
  ["ENETUNREACH", "the network is unreachable"],
  ["EHOSTUNREACH", "the host is unreachable"],
]);

/** A client with its own bounds: requests at once, time, retries. Nothing is sent before `get`. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const fetcher = options.fetch ?? fetch;
  const sleep = options.sleep ?? pause;
  const now = options.now ?? Date.now;
  const gate = createGate(limits.concurrent);
  const open = new Set<AbortController>();

  const get = async (request: HttpRequest): Promise<Answer> => {
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(`no whole answer within ${limits.totalMs / 1000} s`),
      limits.totalMs,
    );
    open.add(deadline);
    try {
      return await withRetries(request, deadline.signal);
    } finally {
      clearTimeout(timer);
      open.delete(deadline);
    }
  };

  const withRetries = async (request: HttpRequest, signal: AbortSignal): Promise<Answer> => {
    const source = printableUrl(request.url);
    let waited = 0;
    for (let tries = 0; ; tries++) {
      options.progress?.(source);
      const outcome = await attempt(request, signal);
      if (!outcome.later) return outcome.answer;
      const wait = outcome.waitMs ?? 500 * 2 ** tries;
      if (signal.aborted || tries >= limits.retries || waited + wait > limits.waitMs)
        throw new VramCalcError("source-unavailable", {
          source,
          reason: `${outcome.reason}${tries > 0 ? ` (${tries + 1} tries)` : ""}`,
          hint: wait > limits.waitMs ? `try again in ${Math.ceil(wait / 1000)} s` : "try again later",
        });
      waited += wait;
      options.progress?.(`${source}: ${outcome.reason}, trying again in ${wait / 1000} s`);
      await sleep(wait, signal);
    }
  };

  const attempt = async (request: HttpRequest, signal: AbortSignal): Promise<Outcome> => {
    try {
      const answer = await exchange(fetcher, {
        url: request.url,
        headers: { "user-agent": "vram-calc", ...request.headers },
        credential: request.credential,
        bodyLimit: (head) => (LATER.has(head.status) ? 0 : request.bodyLimit(head)),
        maxRedirects: limits.redirects,
        idleMs: limits.idleMs,
        signal,
      });
      if (!LATER.has(answer.status)) return { later: false, answer };
      const waitMs = retryAfter(answer.headers, now());
      return { later: true, reason: `answered ${answer.status}`, ...(waitMs !== null && { waitMs }) };
    } catch (error) {
      if (error instanceof VramCalcError) throw error;
      return { later: true, reason: brokenConnection(error, { request, signal }) };
    }
  };

  return {
    get: (request) => gate(() => get(request)),
    close: () => {
      for (const controller of open) controller.abort("broken off");
    },
  };
}

type Outcome =
  | { readonly later: false; readonly answer: Answer }
  | { readonly later: true; readonly reason: string; readonly waitMs?: number };

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}

/** Why `fetch` threw, in words. Throws itself when another try would meet the same. */
function brokenConnection(
  error: unknown,
  { request, signal }: { readonly request: HttpRequest; readonly signal: AbortSignal },
): string {
  const fail = (reason: string): never => {
    throw new VramCalcError(
      "source-unavailable",
      {
        source: printableUrl(request.url),
        reason,
        hint: "check the connection, or give a downloaded file or HF_HUB_OFFLINE=1 with a cached id",
      },
      { cause: error },
    );
  };
  if (signal.aborted) fail(String(signal.reason));
  const code = causeCode(error);
  const known = FINAL.get(code);
  if (known !== undefined) fail(`${known} (${code})`);
  if (/CERT|SSL|TLS|SELF_SIGNED|VERIFY/.test(code)) fail(`the certificate was not accepted (${code})`);
  return code === "" ? "the connection broke" : `the connection broke (${code})`;
}

/** `fetch` wraps the system's error one or two levels deep, several of them when a name has several addresses. */
function causeCode(error: unknown): string {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && typeof current === "object" && current !== null; depth++) {
    if ("code" in current && typeof current.code === "string") return current.code;
    if ("errors" in current && Array.isArray(current.errors)) current = current.errors[0];
    else current = "cause" in current ? current.cause : null;
  }
  return "";
}

/** Milliseconds that a Retry-After asks for: seconds or a date (RFC 9110, 10.2.3); null without a readable one. */
function retryAfter(headers: Headers, now: number): number | null {
  const text = headers.get("retry-after")?.trim();
  if (text === undefined || text === "") return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
