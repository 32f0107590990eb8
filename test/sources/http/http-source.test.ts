import type { RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { createHttpClient, type HttpClient } from "../../../src/sources/http/http-client.ts";
import { httpSource } from "../../../src/sources/http/http-source.ts";
import { openUrl } from "../../../src/sources/http/open-url.ts";
import { type Loopback, pattern, serveBytes, startLoopback } from "./loopback.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const open: Loopback[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function sourceOf(listener: RequestListener, size?: number) {
  const server = await startLoopback(listener);
  open.push(server);
  const client = createHttpClient({ limits: { idleMs: 500, totalMs: 5000 }, sleep: async () => {} });
  const source = httpSource(client, {
    url: new URL("/model.gguf", server.origin),
    name: "model.gguf",
    ...(size !== undefined && { size }),
  });
  return { server, source };
}

async function failureOf(promise: Promise<unknown>): Promise<VramCalcError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(VramCalcError);
  return error as VramCalcError;
}

/** Equality of long arrays, for which the matcher of the test runner takes seconds. */
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe("ranges", () => {
  test("8 bytes of a 3 MiB file cost one request of 256 KiB; the header behind them costs none", async () => {
    const bytes = pattern(3 * MiB);
    const { server, source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    expect(await source.read(0, 8)).toEqual(bytes.slice(0, 8));
    expect(source.size).toBe(3 * MiB);
    expect(same(await source.read(8, 200_000), bytes.slice(8, 200_008))).toBe(true);
    expect(server.seen.map((s) => s.range)).toEqual(["bytes=0-262143"]);
  });

  test("growing pieces fetch only what is missing: 256 KiB, 512 KiB, then what a long read needs", async () => {
    const bytes = pattern(6 * MiB);
    const { server, source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    for (const length of [256 * KiB, 512 * KiB, 4 * MiB])
      expect(same(await source.read(0, length), bytes.slice(0, length))).toBe(true);
    expect(server.seen.map((s) => s.range)).toEqual([
      "bytes=0-262143",
      "bytes=262144-786431",
      "bytes=786432-4194303",
    ]);
  });

  test("a read of 20 MiB is made of pieces of at most 8 MiB", async () => {
    const bytes = pattern(20 * MiB);
    const { server, source } = await sourceOf((q, r) => serveBytes(q, r, bytes), bytes.length);
    expect(same(await source.read(0, 20 * MiB), bytes)).toBe(true);
    expect(server.seen.map((s) => s.range)).toEqual([
      "bytes=0-8388607",
      "bytes=8388608-16777215",
      "bytes=16777216-20971519",
    ]);
  });

  test("a jump behind what is kept starts there", async () => {
    const bytes = pattern(2 * MiB);
    const { source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    expect(await source.read(MiB, 10)).toEqual(bytes.slice(MiB, MiB + 10));
    expect(await source.read(5, 10)).toEqual(bytes.slice(5, 15));
  });

  test("the end of the file ends a read: 100 bytes from 950 of 1000 are 50, from 1000 none", async () => {
    const bytes = pattern(1000);
    const { source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    expect(await source.read(950, 100)).toEqual(bytes.slice(950));
    expect(await source.read(1000, 100)).toEqual(new Uint8Array(0));
  });

  test("a first read past the end of a file of unknown size learns the size from the 416", async () => {
    const { source } = await sourceOf((q, r) => serveBytes(q, r, pattern(1000)));
    expect(await source.read(5000, 100)).toEqual(new Uint8Array(0));
    expect(source.size).toBe(1000);
  });

  test("an empty file is empty", async () => {
    const { source } = await sourceOf((q, r) => serveBytes(q, r, new Uint8Array(0)));
    expect(await source.read(0, 100)).toEqual(new Uint8Array(0));
    expect(source.size).toBe(0);
  });

  test("ten reads at once get their own bytes", async () => {
    const bytes = pattern(3 * MiB);
    const { source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    const offsets = Array.from({ length: 10 }, (_, i) => ((i * 7) % 10) * 300 * KiB);
    const results = await Promise.all(offsets.map((offset) => source.read(offset, 1000)));
    expect(results.map((r, i) => same(r, bytes.slice(offsets[i]!, offsets[i]! + 1000)))).not.toContain(false);
  });

  test("two reads at once, whose answers arrive in the same moment, are both whole", async () => {
    const bytes = pattern(MiB);
    const both: (() => void)[] = [];
    const get: HttpClient["get"] = async ({ url, headers }) => {
      const [from, to] = /(\d+)-(\d+)/.exec(headers!.range!)!.slice(1).map(Number);
      // Answers wait for a second request, or for 20 ms when none comes.
      await new Promise<void>((resolve) => {
        both.push(resolve);
        if (both.length === 2) for (const answer of both) answer();
        setTimeout(resolve, 20);
      });
      const head = new Headers({ "content-range": `bytes ${from}-${to}/${MiB}` });
      return { status: 206, headers: head, url, body: bytes.slice(from, to! + 1) };
    };
    const source = httpSource({ get, close: () => {} }, { url: new URL("http://h/x"), name: "x", size: MiB });
    const [a, b] = await Promise.all([source.read(0, 1000), source.read(500_000, 1000)]);
    expect([same(a, bytes.slice(0, 1000)), same(b, bytes.slice(500_000, 501_000))]).toEqual([true, true]);
  });

  test("what is returned belongs to the caller: writing to it does not change a later read", async () => {
    const bytes = pattern(100);
    const { source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    (await source.read(0, 10)).fill(0);
    expect(await source.read(0, 10)).toEqual(bytes.slice(0, 10));
  });
});

describe("servers that do not keep to ranges", () => {
  test("a server without Range is used for a file of at most 8 MiB, with one request", async () => {
    const bytes = pattern(MiB);
    const { server, source } = await sourceOf((_, response) => {
      response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    });
    expect(await source.read(0, 8)).toEqual(bytes.slice(0, 8));
    expect(await source.read(MiB - 4, 100)).toEqual(bytes.slice(MiB - 4));
    expect(server.seen.length).toBe(1);
  });

  const zeros = new Uint8Array(64 * KiB);
  const flood: RequestListener = (_, response) => {
    const pump = () => {
      while (response.write(zeros));
    };
    response.on("drain", pump);
    pump();
  };
  const HUGE = [
    { title: "10 GB with their length", head: { "content-length": "10000000000" } },
    { title: "an endless body without a length", head: {} },
  ];
  test.for(HUGE)("$title are refused before 8 MiB have been sent", async ({ head }) => {
    const { server, source } = await sourceOf((request, response) => {
      response.writeHead(200, head);
      flood(request, response);
    });
    const error = await failureOf(source.read(0, 8));
    expect(error.message).toBe(
      "model.gguf: the server ignores range requests and would send the whole file; download the file and give its path.",
    );
    expect([error.exitCode, server.sentBytes() < 8 * MiB]).toEqual([3, true]);
  });

  test("206 with more body than the range is refused", async () => {
    const { source } = await sourceOf((request, response) => {
      response.writeHead(206, { "content-range": "bytes 0-262143/10000000000" });
      flood(request, response);
    });
    expect((await failureOf(source.read(0, 8))).message).toMatch(/sent more than the 262144 bytes/);
  });

  const LIES = [
    {
      title: "another start",
      range: "bytes 8-15/1000",
      body: 8,
      says: /asked for bytes 0-262143, the server sent/,
    },
    {
      title: "a longer range",
      range: "bytes 0-99999999/1000000000",
      body: 8,
      says: /asked for bytes 0-262143/,
    },
    { title: "no Content-Range", range: undefined, body: 8, says: /the server sent ""/ },
    {
      title: "an unreadable Content-Range",
      range: "bytes 0-x/y",
      body: 8,
      says: /the server sent "bytes 0-x/,
    },
    {
      title: "fewer bytes than announced",
      range: "bytes 0-99/100",
      body: 8,
      says: /sent 8 of 100 announced/,
    },
    { title: "an empty piece", range: "bytes 0-0/1", body: 0, says: /sent 0 of 1 announced/ },
    {
      title: "another size than the listing",
      range: "bytes 0-7/999",
      body: 8,
      size: 1000,
      says: /is 999 bytes and was 1000/,
    },
    { title: "gzip", range: "bytes 0-7/8", body: 8, gzip: true, says: /gzip encoding/ },
  ];
  test.for(LIES)("206 with $title is refused, exit code 3", async ({ range, body, size, gzip, says }) => {
    const { source } = await sourceOf((_, response) => {
      if (range !== undefined) response.setHeader("content-range", range);
      if (gzip) response.setHeader("content-encoding", "gzip");
      response.writeHead(206).end(new Uint8Array(body));
    }, size);
    const error = await failureOf(source.read(0, 8));
    expect(error.message).toMatch(says);
    expect(error.exitCode).toBe(3);
  });

  test("a file that changes its size between two pieces is refused", async () => {
    let bytes = pattern(MiB);
    const { source } = await sourceOf((q, r) => serveBytes(q, r, bytes));
    await source.read(0, 8);
    bytes = pattern(2 * MiB);
    expect((await failureOf(source.read(0, 300 * KiB))).message).toMatch(/is 2097152 bytes and was 1048576/);
  });

  const endless = async () => {
    const piece = new Uint8Array(8 * MiB);
    let sent = 0;
    const { source } = await sourceOf((request, response) => {
      const [from, to] = /(\d+)-(\d+)/.exec(request.headers.range!)!.slice(1).map(Number);
      sent += to! + 1 - from!;
      response.writeHead(206, { "content-range": `bytes ${from}-${to}/10000000000` });
      response.end(piece.subarray(0, to! + 1 - from!));
    });
    return { source, sentBytes: () => sent };
  };

  test("a header of 10 GB is given up before it is asked for", async () => {
    const { source, sentBytes } = await endless();
    expect((await failureOf(source.read(0, 10_000_000_000))).message).toMatch(
      /header is longer than 128 MiB/,
    );
    expect(sentBytes()).toBeLessThanOrEqual(8 * MiB);
  });

  test("one that is read on and on is given up after at most 128 MiB", async () => {
    const { source, sentBytes } = await endless();
    const readOn = async () => {
      for (let at = 0; ; at += 16 * MiB) await source.read(at, 16 * MiB);
    };
    expect((await failureOf(readOn())).message).toMatch(/header is longer than 128 MiB/);
    expect(sentBytes()).toBeLessThanOrEqual(128 * MiB);
  });

  test("one byte at a time is refused at the first", async () => {
    const { server, source } = await sourceOf((request, response) => {
      const from = /(\d+)-/.exec(request.headers.range!)![1];
      response.writeHead(206, { "content-range": `bytes ${from}-${from}/1000000` }).end("x");
    });
    expect((await failureOf(source.read(0, 1000))).message).toMatch(/sent "bytes 0-0\/1000000"/);
    expect(server.seen.length).toBe(1);
  });

  test.for([
    { status: 401, says: "answered 401; it needs a login" },
    { status: 403, says: "answered 403; it needs a login" },
    { status: 404, says: "answered 404; check the address" },
    { status: 416, says: "answered 416; check the address" },
    { status: 418, says: "answered 418; check the address" },
    { status: 204, says: "answered 204; check the address" },
  ])("$status is one sentence, exit code 3", async ({ status, says }) => {
    const { source } = await sourceOf((_, response) => response.writeHead(status).end());
    const error = await failureOf(source.read(0, 8));
    expect(error.message).toContain(says);
    expect(error.exitCode).toBe(3);
  });
});

describe("openUrl", () => {
  const client = createHttpClient({
    fetch: () => {
      throw new Error("nothing may be sent");
    },
  });
  test.for([
    { url: "https://host/models/tiny.gguf", fileName: "tiny.gguf", name: "https://host/models/tiny.gguf" },
    {
      url: "https://host/a/My%20Model.safetensors?download=true",
      fileName: "My Model.safetensors",
      name: "https://host/a/My%20Model.safetensors",
    },
    { url: "http://host/%zz/config.json#top", fileName: "config.json", name: "http://host/%zz/config.json" },
    { url: "https://host", fileName: "", name: "https://host/" },
  ])("$url is the file $fileName, and no query is printed", ({ url, fileName, name }) => {
    const file = openUrl(url, { client });
    expect([file.fileName, file.source.name, file.source.size]).toEqual([fileName, name, null]);
  });

  test.for(["ftp://host/x.gguf", "https://", "https://user:pw@host/x.gguf", "model.gguf"])(
    "%s is refused, exit code 2, without repeating a password",
    (url) => {
      try {
        openUrl(url, { client });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(VramCalcError);
        expect([(error as VramCalcError).code, (error as VramCalcError).exitCode]).toEqual(["bad-option", 2]);
        expect((error as VramCalcError).message).not.toContain("user:pw");
      }
    },
  );
});
