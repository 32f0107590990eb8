import type { ByteSource } from "../bytes/byte-source.ts";
import type { Credential } from "./exchange.ts";
import type { HttpClient } from "./http-client.ts";
import { httpSource } from "./http-source.ts";
import { parseUrl, printableUrl } from "./web-url.ts";

export interface RemoteFile {
  /** The last part of the path, which tells the kind: `model.gguf`. */
  readonly fileName: string;
  readonly source: ByteSource;
}

/**
 * A file behind a plain address. Nothing is sent before the first read.
 *
 * @param credential sent only if the address has its origin
 * @throws bad-option for an address that is not http(s) or names no file
 * @example openUrl("https://host/models/tiny.gguf", { ... }).fileName // "tiny.gguf"
 */
export function openUrl(
  text: string,
  options: { readonly client: HttpClient; readonly credential?: Credential | undefined },
): RemoteFile {
  const url = parseUrl(text);
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  const source = httpSource(options.client, {
    url,
    name: printableUrl(url),
    credential: options.credential,
  });
  return { fileName: decodeSafely(last), source };
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
