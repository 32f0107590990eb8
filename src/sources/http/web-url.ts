import { VramCalcError } from "../../errors.ts";

/** True for a text that starts like a web address, well formed or not. */
export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text.trim());
}

/**
 * Reads a web address. One that carries a user name or password is refused, because addresses are
 * printed and kept in shell histories.
 *
 * @throws bad-option
 */
export function parseUrl(text: string, option = "the URL"): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:") || url.hostname === "")
    throw new VramCalcError("bad-option", {
      option,
      given: `"${text.slice(0, 200)}"`,
      expected: "an address such as https://host/path/model.gguf",
    });
  if (url.username !== "" || url.password !== "")
    throw new VramCalcError("bad-option", {
      option,
      given: "an address with a user name or password in it",
      expected: "one without; for the model hub put the token in HF_TOKEN",
    });
  url.hash = "";
  return url;
}

/** What may be printed of an address: no query, because signed links carry their secret there. */
export function printableUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
