import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import {
  hubCacheFolder,
  hubCredential,
  hubEndpoint,
  isHubOffline,
} from "../../../src/sources/hub/hub-environment.ts";

describe("hubCacheFolder", () => {
  // The order of huggingface_hub's constants.py at 03333b68.
  test.for([
    { env: { HOME: "/h" }, folder: "/h/.cache/huggingface/hub" },
    { env: { HOME: "/h", XDG_CACHE_HOME: "/x" }, folder: "/x/huggingface/hub" },
    { env: { HOME: "/h", XDG_CACHE_HOME: "/x", HF_HOME: "/hf" }, folder: "/hf/hub" },
    { env: { HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" }, folder: "/old" },
    { env: { HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" }, folder: "/new" },
    { env: { HOME: "/h", HF_HOME: "~/hf" }, folder: "/h/hf/hub" },
    { env: { HOME: "/h", SCRATCH: "/s", HF_HUB_CACHE: "$SCRATCH/hub" }, folder: "/s/hub" },
    { env: { HOME: "/h", SCRATCH: "/s", HF_HOME: "$" + "{SCRATCH}/hf" }, folder: "/s/hf/hub" },
    { env: { HOME: "/h", HF_HUB_CACHE: "$MISSING/hub" }, folder: "$MISSING/hub" },
    { env: { HOME: "/h", HF_HOME: "", HF_HUB_CACHE: "" }, folder: "/h/.cache/huggingface/hub" },
    { env: { USERPROFILE: "/u" }, folder: "/u/.cache/huggingface/hub" },
  ])("$env is $folder", ({ env, folder }) => {
    expect(hubCacheFolder(env)).toBe(folder);
  });
});

describe("isHubOffline", () => {
  test.for([
    { env: {}, offline: false },
    { env: { HF_HUB_OFFLINE: "1" }, offline: true },
    { env: { HF_HUB_OFFLINE: "Yes" }, offline: true },
    { env: { HF_HUB_OFFLINE: "on" }, offline: true },
    { env: { HF_HUB_OFFLINE: "TRUE" }, offline: true },
    { env: { HF_HUB_OFFLINE: "0" }, offline: false },
    { env: { HF_HUB_OFFLINE: "false" }, offline: false },
    { env: { HF_HUB_OFFLINE: "" }, offline: false },
    { env: { TRANSFORMERS_OFFLINE: "1" }, offline: true },
    { env: { HF_HUB_OFFLINE: "0", TRANSFORMERS_OFFLINE: "1" }, offline: false },
  ])("$env: $offline", ({ env, offline }) => {
    expect(isHubOffline(env)).toBe(offline);
  });
});

describe("hubEndpoint", () => {
  test.for([
    { env: {}, url: "https://huggingface.co/" },
    { env: { HF_ENDPOINT: "https://hub.example/" }, url: "https://hub.example/" },
    { env: { HF_ENDPOINT: "http://10.0.0.1:8080/hub//" }, url: "http://10.0.0.1:8080/hub" },
  ])("$env is $url", ({ env, url }) => {
    expect(hubEndpoint(env).href).toBe(url);
  });

  test.for(["hub.example", "ftp://hub.example", "https://me:pw@hub.example"])(
    "%s is refused",
    (HF_ENDPOINT) => {
      expect(() => hubEndpoint({ HF_ENDPOINT })).toThrow(/^HF_ENDPOINT got /);
      expect(() => hubEndpoint({ HF_ENDPOINT })).not.toThrow(/pw/);
    },
  );
});

describe("hubCredential", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "vram-calc-token-"));
    await mkdir(join(root, "home"));
    await mkdir(join(root, "empty"));
    await mkdir(join(root, "folder", "token"), { recursive: true });
    await writeFile(join(root, "home", "token"), "hf_fromHome\n");
    await writeFile(join(root, "named"), "  hf_fromPath  \r\n");
    await writeFile(join(root, "blank"), "\n");
    await writeFile(join(root, "long"), "x".repeat(100_000));
    await writeFile(join(root, "odd"), "two words");
  });
  afterAll(() => rm(root, { recursive: true }));
  const endpoint = new URL("https://hub.test/prefix");
  const at = (env: Record<string, string>) =>
    Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replace("ROOT", root)]));

  test.for([
    { env: { HF_TOKEN: "hf_a", HF_HOME: "ROOT/home" }, token: "hf_a", why: "the variable comes first" },
    { env: { HUGGING_FACE_HUB_TOKEN: "hf_b", HF_HOME: "ROOT/home" }, token: "hf_b", why: "its older name" },
    {
      env: { HF_TOKEN: " hf_c\n", HF_HOME: "ROOT/empty" },
      token: "hf_c",
      why: "blanks around it are dropped",
    },
    {
      env: { HF_TOKEN: "gateway-key", HF_HOME: "ROOT/empty" },
      token: "gateway-key",
      why: "not all begin with hf_",
    },
    { env: { HF_HOME: "ROOT/home" }, token: "hf_fromHome", why: "the file of hf auth login" },
    {
      env: { HF_HOME: "ROOT/home", HF_TOKEN_PATH: "ROOT/named" },
      token: "hf_fromPath",
      why: "the named file",
    },
    { env: { HF_HOME: "ROOT/home", HF_TOKEN: "" }, token: "hf_fromHome", why: "an empty variable is none" },
    { env: { HF_HOME: "ROOT/empty" }, token: undefined, why: "no file" },
    { env: { HF_HOME: "ROOT/folder" }, token: undefined, why: "a folder of that name" },
    { env: { HF_TOKEN_PATH: "ROOT/blank" }, token: undefined, why: "an empty file" },
    { env: { HF_TOKEN_PATH: "ROOT/long" }, token: undefined, why: "100 KB are no token" },
    { env: { HF_TOKEN: "hf_a", HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }, token: undefined, why: "switched off" },
  ])("$env: $token ($why)", async ({ env, token }) => {
    const found = await hubCredential(at(env), endpoint);
    expect(found).toEqual(token === undefined ? undefined : { token, origin: "https://hub.test" });
  });

  test.for([
    { env: { HF_TOKEN: "two words" }, names: "HF_TOKEN got" },
    { env: { HF_TOKEN: "hf_a\r\nX-Evil: 1" }, names: "HF_TOKEN got" },
    { env: { HF_TOKEN_PATH: "ROOT/odd" }, names: "odd got" },
  ])("$env is refused without repeating it", async ({ env, names }) => {
    const error = await hubCredential(at(env), endpoint).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(VramCalcError);
    expect((error as VramCalcError).message).toContain(names);
    expect((error as VramCalcError).message).not.toMatch(/two words|Evil/);
  });
});
