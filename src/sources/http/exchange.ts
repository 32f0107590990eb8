import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import { printableUrl } from "./web-url.ts";

/** A bearer token and the only origin that may see it. */
export interface Credential {
  readonly origin: string;
  readonly token: string;
}

/** The start of an answer: everything but its body. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Headers;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

export interface Answer extends AnswerHead {
  readonly body: Uint8Array;
}

export interface Exchange {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly credential?: Credential | undefined;
  /** How much body to take, decided from the head; more than that is an error, 0 takes none. May throw. */
  readonly bodyLimit: (head: AnswerHead) => Bytes;
  readonly maxRedirects: number;
  readonly idleMs: number;
  /** Ends the exchange from outside: the overall deadline or a closed client. */
  readonly signal: AbortSignal;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const unavailable = (url: URL, reason: string, hint: string): VramCalcError =>
  new VramCalcError("source-unavailable", { source: printableUrl(url), reason, hint });

/**
 * One GET with redirects followed by hand. The token goes only to its own origin, and once a chain has
 * left that origin it is not sent again, wherever the chain leads.
 *
 * @throws source-unavailable for a redirect that is refused, silence, or a body above its limit. Errors
 * of the connection itself come out as `fetch` throws them; the caller decides whether to try again.
 */
export async function exchange(fetcher: typeof fetch, input: Exchange): Promise<Answer> {
  const idle = watch(input.signal, input.idleMs);
  const { credential } = input;
  let url = input.url;
  let trusted = true;
  try {
    for (let hops = 0; ; hops++) {
      trusted &&= url.origin === credential?.origin;
      const headers = new Headers(input.headers);
      if (trusted && credential !== undefined) headers.set("authorization", `Bearer ${credential.token}`);
      const response = await fetcher(url, { headers, redirect: "manual", signal: idle.signal });
      idle.touch();
      const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
      if (location === null) return await take(response, url, input, idle.touch);
      await discard(response);
      if (hops >= input.maxRedirects)
        throw unavailable(input.url, `more than ${input.maxRedirects} redirects`, "check the address");
      url = redirectTarget(url, location);
    }
  } catch (error) {
    if (!idle.isSilent() || error instanceof VramCalcError) throw error;
    throw unavailable(url, `no answer for ${input.idleMs / 1000} s`, "check the connection and try again");
  } finally {
    idle.stop();
  }
}

function redirectTarget(from: URL, location: string): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : null;
  const where = target === null ? "to an unreadable address" : `to ${target.protocol}//${target.host}`;
  if (target === null || (target.protocol !== "https:" && target.protocol !== "http:"))
    throw unavailable(from, `redirects ${where}`, "only http and https are followed");
  if (from.protocol === "https:" && target.protocol === "http:")
    throw unavailable(from, `redirects ${where}, which is not encrypted`, "use the final address itself");
  if (target.username !== "" || target.password !== "")
    throw unavailable(from, "redirects to an address with a password in it", "use another address");
  return target;
}

async function take(response: Response, url: URL, input: Exchange, touch: () => void): Promise<Answer> {
  const head: AnswerHead = { status: response.status, headers: response.headers, url };
  let limit: Bytes;
  try {
    limit = input.bodyLimit(head);
  } catch (error) {
    await discard(response);
    throw error;
  }
  if (limit === 0 || response.body === null) {
    await discard(response);
    return { ...head, body: new Uint8Array(0) };
  }
  // One growing buffer and not a list of pieces: a server may send eight million pieces of one byte.
  let buffer = new Uint8Array(Math.min(limit, 2 ** 16));
  let taken = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      touch();
      const end = taken + value.byteLength;
      if (end > limit)
        throw unavailable(url, `sent more than the ${limit} bytes that were expected`, "check the address");
      if (end > buffer.byteLength) {
        const grown = new Uint8Array(Math.min(limit, Math.max(end, 2 * buffer.byteLength)));
        grown.set(buffer.subarray(0, taken));
        buffer = grown;
      }
      buffer.set(value, taken);
      taken = end;
    }
  } catch (error) {
    // Not awaited: a stream that already failed rejects its cancellation too.
    reader.cancel().catch(() => {});
    throw error;
  }
  return { ...head, body: buffer.subarray(0, taken) };
}

/** Drops a body that nobody reads, which also closes the connection when it is a long one. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** One signal for both ways to end early: silence, which every `touch` pushes back, or the outer signal. */
function watch(outer: AbortSignal, idleMs: number) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    abort();
  }, idleMs);
  if (outer.aborted) abort();
  else outer.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    isSilent: () => silent,
    touch: () => timer.refresh(),
    stop: () => {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    },
  };
}
