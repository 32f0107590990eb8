import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface Loopback {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** The same server under its other name, which is another origin. */
  readonly otherOrigin: string;
  readonly seen: SeenRequest[];
  /** Bytes written to sockets, head and body, over all connections. */
  readonly sentBytes: () => number;
  readonly close: () => Promise<void>;
}

/** A real HTTP server on a free port of this machine that notes what it is asked. */
export async function startLoopback(listener: RequestListener): Promise<Loopback> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<import("node:net").Socket>();
  let closedBytes = 0;
  const server: Server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    seen.push({ url: request.url ?? "", range, authorization });
    listener(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      closedBytes += socket.bytesWritten;
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://localhost:${port}`,
    seen,
    sentBytes: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, closedBytes),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers like a well-behaved file server: one byte range, 206, 416 past the end. */
export function serveBytes(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const total = bytes.byteLength;
  if (range === null) {
    response.writeHead(200, { "content-length": total, "accept-ranges": "bytes" });
    response.end(bytes);
    return;
  }
  const start = Number(range[1]);
  if (start >= total) {
    response.writeHead(416, { "content-range": `bytes */${total}` }).end();
    return;
  }
  const end = Math.min(Number(range[2]) + 1, total);
  response.writeHead(206, {
    "content-length": end - start,
    "content-range": `bytes ${start}-${end - 1}/${total}`,
  });
  response.end(bytes.subarray(start, end));
}

/** Bytes whose value tells their place, so that a piece from the wrong offset is noticed. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 7;
  return bytes;
}
