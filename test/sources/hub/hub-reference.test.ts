import { describe, expect, test } from "vitest";
import { parseHubReference, parseHubUrl } from "../../../src/sources/hub/hub-reference.ts";

describe("parseHubReference", () => {
  const READ = [
    { text: "org/name", is: { repo: "org/name" } },
    { text: "meta-llama/Llama-3.1-8B", is: { repo: "meta-llama/Llama-3.1-8B" } },
    { text: "01-ai/Yi-1.5_9B.x", is: { repo: "01-ai/Yi-1.5_9B.x" } },
    { text: "org/name@main", is: { repo: "org/name", revision: "main" } },
    { text: "org/name@refs/pr/3", is: { repo: "org/name", revision: "refs/pr/3" } },
    { text: `org/name@${"a".repeat(40)}`, is: { repo: "org/name", revision: "a".repeat(40) } },
    { text: "org/name:Q4_K_M", is: { repo: "org/name", quant: "Q4_K_M" } },
    { text: "org/name:UD-Q4_K_XL", is: { repo: "org/name", quant: "UD-Q4_K_XL" } },
    { text: "org/name@v1:q8_0", is: { repo: "org/name", revision: "v1", quant: "q8_0" } },
    { text: "org/name:sub/model.gguf", is: { repo: "org/name", file: "sub/model.gguf" } },
    { text: "org/name:a b.gguf", is: { repo: "org/name", file: "a b.gguf" } },
    { text: "hf.co/org/name:Q4_K_M", is: { repo: "org/name", quant: "Q4_K_M" } },
    { text: "hf://org/name@main", is: { repo: "org/name", revision: "main" } },
    { text: "  org/name \n", is: { repo: "org/name" } },
  ];
  test.for(READ)("$text is $is", ({ text, is }) => {
    expect(parseHubReference(text)).toEqual(is);
  });

  const REFUSED = [
    "",
    "name",
    "14B",
    "/org/name",
    "./org/name",
    "../name",
    "org/..",
    "org/../name",
    "org/name/config.json",
    "org\\name",
    "C:\\models\\x",
    "org/name@",
    "org/name:",
    "org/name@../../etc/passwd",
    "org/name@a//b",
    "org/name@/main",
    "org/name@-x",
    "org/name:../x.gguf",
    "org/name:/etc/x.json",
    "org/name:a\\b.gguf",
    "org/name:Q4 K M",
    "org/na--me",
    "org/name.git",
    "org/.name",
    "-org/name",
    "org/name?x=1",
    "org/name#x",
    "org/na\u0000me",
    "org/nämé",
    `org/${"n".repeat(100)}`,
    `org/${"n".repeat(100_000)}!`,
    "https://huggingface.co/org/name",
  ];
  test.for(REFUSED.map((text) => ({ title: text.slice(0, 40), text })))(
    "$title is no reference",
    ({ text }) => {
      expect(parseHubReference(text)).toBeNull();
    },
  );
});

describe("parseHubUrl", () => {
  const endpoint = new URL("https://hub.example/hub");
  const READ = [
    { url: "https://huggingface.co/org/name", is: { repo: "org/name" } },
    { url: "https://huggingface.co/org/name/", is: { repo: "org/name" } },
    { url: "https://huggingface.co/org/name?library=x#files", is: { repo: "org/name" } },
    { url: "https://hf.co/org/name/tree/v2", is: { repo: "org/name", revision: "v2" } },
    { url: "https://huggingface.co/org/name/tree/main/sub", is: { repo: "org/name", revision: "main" } },
    {
      url: "https://huggingface.co/org/name/tree/refs%2Fpr%2F1",
      is: { repo: "org/name", revision: "refs/pr/1" },
    },
    {
      url: "https://huggingface.co/org/name/blob/main/sub/m.gguf",
      is: { repo: "org/name", revision: "main", file: "sub/m.gguf" },
    },
    {
      url: "https://huggingface.co/org/name/resolve/main/m%20x.gguf?download=true",
      is: { repo: "org/name", revision: "main", file: "m x.gguf" },
    },
    { url: "https://hub.example/hub/org/name", is: { repo: "org/name" } },
  ];
  test.for(READ)("$url is $is", ({ url, is }) => {
    expect(parseHubUrl(url, endpoint)).toEqual(is);
  });

  const OTHER = [
    "https://hub.example/org/name",
    "http://huggingface.co/org/name",
    "https://huggingface.co/org",
    "https://huggingface.co/datasets/org/name",
    "https://huggingface.co/datasets/name",
    "https://huggingface.co/org/name/discussions/3",
    "https://huggingface.co/org/name/blob/main/..%2F..%2Fx.gguf",
    "https://huggingface.co/org/name/blob/%2E%2E/x.gguf",
    "https://user:pw@huggingface.co/org/name",
    "https://evil.test/org/name",
    "https://huggingface.co.evil.test/org/name",
    "https://huggingface.co/org/%ff",
  ];
  test.for(OTHER)("%s is no hub page", (url) => {
    expect(parseHubUrl(url, endpoint)).toBeNull();
  });
});
