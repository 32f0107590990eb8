import { afterEach, describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { createHttpClient, type HttpClientOptions } from "../../../src/sources/http/http-client.ts";
import { timeLimit } from "../../time-limit.ts";
import { type Loopback, startLoopback } from "./loopback.ts";

const TOKEN = "hf_secret_token_for_tests";
const open: Loopback[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(listener: Parameters<typeof startLoopback>[0]): Promise<Loopback> {
  const server = await startLoopback(listener);
  open.push(server);
  return server;
}

/** A client that never really waits between tries, and what it would have waited. */
function clientWith(options: HttpClientOptions = {}) {
  const waits: number[] = [];
  const client = createHttpClient({
    sleep: async (ms) => {
      waits.push(ms);
    },
    ...options,
    limits: { idleMs: 10_000, totalMs: 30_000, ...options.limits },
  });
  const get = (url: string, more: { token?: string; maxBytes?: number } = {}) =>
    client.get({
      url: new URL(url),
      credential: more.token === undefined ? undefined : { origin: new URL(url).origin, token: more.token },
      bodyLimit: () => more.maxBytes ?? 1000,
    });
  return { client, get, waits };
}

async function failureOf(promise: Promise<unknown>): Promise<VramCalcError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(VramCalcError);
  return error as VramCalcError;
}

describe("tries", () => {
  const LATER = [408, 429, 500, 502, 503, 504];
  test.for(LATER)("%i is tried again after 0.5 s and 1 s, and the third answer is taken", async (status) => {
    let calls = 0;
    const server = await serve((_, response) => response.writeHead(++calls < 3 ? status : 200).end("ok"));
    const { get, waits } = clientWith();
    const answer = await get(server.origin);
    expect(new TextDecoder().decode(answer.body)).toBe("ok");
    expect(waits).toEqual([500, 1000]);
  });

  test.for([400, 401, 403, 404, 410, 416])("%i is returned at once, without its body", async (status) => {
    const server = await serve((_, response) => response.writeHead(status).end("x"));
    const { client, waits } = clientWith();
    const answer = await client.get({
      url: new URL(server.origin),
      bodyLimit: (h) => (h.status === 200 ? 9 : 0),
    });
    expect([answer.status, answer.body.byteLength, waits.length, server.seen.length]).toEqual([
      status,
      0,
      0,
      1,
    ]);
  });

  test("500 for ever ends after 1 + 3 tries and 0.5 + 1 + 2 = 3.5 s of waits, exit code 3", async () => {
    const server = await serve((_, response) => response.writeHead(500).end());
    const { get, waits } = clientWith();
    const error = await failureOf(get(`${server.origin}/a`));
    expect(error.message).toBe(`${server.origin}/a: answered 500 (4 tries); try again later.`);
    expect([error.exitCode, server.seen.length, waits]).toEqual([3, 4, [500, 1000, 2000]]);
  });

  test("Retry-After: 4 is waited for, twice; a third time would pass 10 s", async () => {
    const server = await serve((_, response) => response.writeHead(429, { "retry-after": "4" }).end());
    const { get, waits } = clientWith();
    expect((await failureOf(get(server.origin))).message).toMatch(/answered 429 \(3 tries\)/);
    expect(waits).toEqual([4000, 4000]);
  });

  test("Retry-After: 3600 is not waited for, but told", async () => {
    const server = await serve((_, response) => response.writeHead(503, { "retry-after": "3600" }).end());
    const { get, waits } = clientWith();
    expect((await failureOf(get(server.origin))).message).toMatch(/answered 503; try again in 3600 s\.$/);
    expect(waits).toEqual([]);
  });

  test("Retry-After as a date 5 s ahead is 5 s; an unreadable one is the usual 0.5 s", async () => {
    const answers = ["Thu, 01 Jan 2026 00:00:05 GMT", "soon"];
    const server = await serve((_, response) => {
      const next = answers.shift();
      if (next === undefined) response.end();
      else response.writeHead(503, { "retry-after": next }).end();
    });
    const { get, waits } = clientWith({ now: () => Date.UTC(2026, 0, 1) });
    await get(server.origin);
    expect(waits).toEqual([5000, 1000]);
  });

  test("a connection that breaks before the answer is tried again", async () => {
    let calls = 0;
    const server = await serve((request, response) =>
      ++calls < 2 ? request.socket.destroy() : response.end("ok"),
    );
    const { get } = clientWith();
    expect((await get(server.origin)).body.byteLength).toBe(2);
  });

  test("a refused connection fails at once and says so", async () => {
    const server = await serve(() => {});
    await server.close();
    open.splice(0);
    const { get, waits } = clientWith();
    const error = await failureOf(get(server.origin));
    expect(error.message).toMatch(/the connection was refused \(ECONNREFUSED\); check the connection/);
    expect([error.exitCode, waits]).toEqual([3, []]);
  });
});

/** Limits that a silent server runs into soon. */
const IMPATIENT = { limits: { idleMs: 150, totalMs: 600 } };

describe("time", () => {
  test("a server that never answers is left after the idle limit", async () => {
    const server = await serve(() => {});
    const { get } = clientWith(IMPATIENT);
    const start = performance.now();
    expect((await failureOf(get(server.origin))).message).toMatch(/no answer for 0\.15 s/);
    expect(performance.now() - start).toBeLessThan(timeLimit(600));
  });

  test("a body that stops in the middle is left after the idle limit", async () => {
    const server = await serve((_, response) => response.writeHead(200).write("half"));
    const { get } = clientWith(IMPATIENT);
    expect((await failureOf(get(server.origin))).message).toMatch(/no answer for 0\.15 s/);
  });

  test("a body that drips for ever is left after the total limit", async () => {
    const server = await serve((_, response) => {
      const timer = setInterval(() => response.write("x"), 40);
      response.on("close", () => clearInterval(timer));
    });
    const { get } = clientWith(IMPATIENT);
    const start = performance.now();
    expect((await failureOf(get(server.origin))).message).toMatch(/no whole answer within 0\.6 s/);
    expect(performance.now() - start).toBeLessThan(timeLimit(2000));
  });

  test("a lookup that hangs in a redirect counts as silence", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/") response.writeHead(302, { location: "/hang" }).end();
    });
    const { get } = clientWith(IMPATIENT);
    expect((await failureOf(get(server.origin))).message).toContain(`${server.origin}/hang: no answer`);
  });

  test("close breaks off what is under way, a wait between tries included", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/later") response.writeHead(503, { "retry-after": "9" }).end();
    });
    const client = createHttpClient();
    const start = performance.now();
    const both = ["/hang", "/later"].map((path) =>
      failureOf(client.get({ url: new URL(path, server.origin), bodyLimit: () => 0 })),
    );
    setTimeout(client.close, 200);
    for (const error of await Promise.all(both)) expect(error.message).toMatch(/broken off|answered 503/);
    expect(performance.now() - start).toBeLessThan(timeLimit(2000));
  });
});

describe("size", () => {
  test("a body of endless pieces of one byte is cut off above its limit, in little memory", async () => {
    const server = await serve((_, response) => {
      const pump = () => {
        while (response.write("x"));
      };
      response.on("drain", pump);
      pump();
    });
    const { get } = clientWith({ limits: { totalMs: 20_000 } });
    const before = process.memoryUsage().rss;
    const error = await failureOf(get(server.origin, { maxBytes: 200_000 }));
    expect(error.message).toMatch(/sent more than the 200000 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 2 ** 20);
  });

  test("a compressed answer is counted unpacked: 10 MB of zeros in 10 KB do not pass 1 MB", async () => {
    const { gzipSync } = await import("node:zlib");
    const bomb = gzipSync(new Uint8Array(10_000_000));
    expect(bomb.byteLength).toBeLessThan(20_000);
    const server = await serve((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    const { get } = clientWith(IMPATIENT);
    expect((await failureOf(get(server.origin, { maxBytes: 1_000_000 }))).message).toMatch(
      /more than the 1000000/,
    );
  });

  test("a body shorter than its Content-Length is a broken connection, not a short answer", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("only this", () => response.socket?.destroy());
    });
    const { get } = clientWith(IMPATIENT);
    const error = await failureOf(get(server.origin));
    expect(error.message).toMatch(/the connection broke.*\(4 tries\)/);
    expect(server.seen.length).toBe(4);
  });

  test("an answer head of 1 MB is refused", async () => {
    const server = await serve((request) => {
      request.socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(2 ** 20)}\r\n\r\n`);
    });
    const { get } = clientWith({ limits: { retries: 0 } });
    expect((await failureOf(get(server.origin))).exitCode).toBe(3);
  });

  test("what is no HTTP at all is refused", async () => {
    const server = await serve((request) => {
      request.socket.end("SSH-2.0-OpenSSH_9.9\r\n");
    });
    const { get } = clientWith({ limits: { retries: 0 } });
    expect((await failureOf(get(server.origin))).message).toMatch(/the connection broke/);
  });
});

describe("redirects", () => {
  test("are followed with the token on the same origin", async () => {
    const server = await serve((request, response) =>
      request.url === "/a" ? response.writeHead(307, { location: "/b" }).end() : response.end("b"),
    );
    const { get } = clientWith(IMPATIENT);
    const answer = await get(`${server.origin}/a`, { token: TOKEN });
    expect(answer.url.pathname).toBe("/b");
    expect(server.seen.map((s) => s.authorization)).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
  });

  test.for([301, 302, 303, 307, 308])(
    "%i to another host arrives there without the token",
    async (status) => {
      const cdn = await serve((_, response) => response.end("bytes"));
      const hub = await serve((_, response) =>
        response.writeHead(status, { location: `${cdn.otherOrigin}/blob?signature=1` }).end(),
      );
      const { get } = clientWith(IMPATIENT);
      expect((await get(hub.origin, { token: TOKEN })).body.byteLength).toBe(5);
      expect(hub.seen[0]?.authorization).toBe(`Bearer ${TOKEN}`);
      expect(cdn.seen).toEqual([{ url: "/blob?signature=1", range: undefined, authorization: undefined }]);
    },
  );

  test("to another port of the same host arrives there without the token", async () => {
    const other = await serve((_, response) => response.end());
    const hub = await serve((_, response) => response.writeHead(302, { location: other.origin }).end());
    await clientWith(IMPATIENT).get(hub.origin, { token: TOKEN });
    expect(other.seen[0]?.authorization).toBeUndefined();
  });

  test("back to the first host do not bring the token back", async () => {
    const away = await serve((request, response) =>
      response.writeHead(302, { location: request.url?.slice(1) }).end(),
    );
    const hub = await serve((request, response) =>
      request.url === "/end"
        ? response.end()
        : response.writeHead(302, { location: `${away.origin}/${hub.origin}/end` }).end(),
    );
    await clientWith(IMPATIENT).get(hub.origin, { token: TOKEN });
    expect(hub.seen.map((s) => s.authorization)).toEqual([`Bearer ${TOKEN}`, undefined]);
  });

  test("in a circle end after 5, with 6 requests sent", async () => {
    const server = await serve((_, response) => response.writeHead(302, { location: "/" }).end());
    const error = await failureOf(clientWith(IMPATIENT).get(server.origin));
    expect(error.message).toBe(`${server.origin}/: more than 5 redirects; check the address.`);
    expect([error.exitCode, server.seen.length]).toEqual([3, 6]);
  });

  const REFUSED = [
    { location: "file:///etc/passwd", says: "only http and https are followed" },
    { location: "ftp://host/file", says: "only http and https are followed" },
    { location: "http://[", says: "unreadable address" },
    { location: "http://user:pass@127.0.0.1:1/", says: "a password in it" },
  ];
  test.for(REFUSED)("to $location are refused", async ({ location, says }) => {
    const server = await serve((_, response) => response.writeHead(302, { location }).end());
    const error = await failureOf(clientWith(IMPATIENT).get(server.origin));
    expect(error.message).toContain(says);
    expect(error.exitCode).toBe(3);
  });

  test("from https to http are refused", async () => {
    const sent: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      sent.push(String(input));
      return new Response(null, { status: 302, headers: { location: "http://hub.test/b" } });
    };
    const error = await failureOf(clientWith({ fetch }).get("https://hub.test/a", { token: TOKEN }));
    expect(error.message).toBe(
      "https://hub.test/a: redirects to http://hub.test, which is not encrypted; use the final address itself.",
    );
    expect(sent).toEqual(["https://hub.test/a"]);
  });

  test("no error repeats the token or a signed link's query", async () => {
    const server = await serve((request, response) =>
      request.url === "/"
        ? response.writeHead(302, { location: "/x?X-Amz-Signature=abcdef" }).end()
        : response.writeHead(302, { location: "gopher://x" }).end(),
    );
    const error = await failureOf(clientWith(IMPATIENT).get(server.origin, { token: TOKEN }));
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/abcdef|secret/);
  });
});

describe("requests at once", () => {
  test("20 requests run at most 6 at a time, and all end", async () => {
    let now = 0;
    let most = 0;
    const server = await serve((_, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        response.end();
      }, 15);
    });
    const { get } = clientWith({ limits: { idleMs: 5000, totalMs: 10_000 } });
    await Promise.all(Array.from({ length: 20 }, () => get(server.origin)));
    expect([most, server.seen.length]).toEqual([6, 20]);
  });

  test("failed ones give their place back", async () => {
    const server = await serve((_, response) => response.writeHead(500).end());
    const { get } = clientWith({ limits: { retries: 0, concurrent: 1 } });
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => get(server.origin)));
    expect(results.map((r) => r.status)).toEqual(["rejected", "rejected", "rejected", "rejected"]);
  });
});
