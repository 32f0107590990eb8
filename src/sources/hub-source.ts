/** Models on the hub or behind an address: headers by range requests, the local hub cache first. */
import { defined } from "../defined.ts";
import { VramCalcError } from "../errors.ts";
import { loadConfigText } from "./config-source.ts";
import { createHttpClient, type HttpClient } from "./http/http-client.ts";
import { openUrl } from "./http/open-url.ts";
import { createProgress } from "./http/progress.ts";
import { isUrl } from "./http/web-url.ts";
import { pickGgufFile } from "./hub/gguf-choice.ts";
import { hubCredential, hubEndpoint, isHubOffline } from "./hub/hub-environment.ts";
import { type HubReference, hubName, parseHubReference, parseHubUrl } from "./hub/hub-reference.ts";
import { type HubListing, resolveHub } from "./hub/resolve-hub.ts";
import { type LoadedModel, type LoadOptions, MOST_CONFIG_BYTES } from "./load-model.ts";
import { loadFolder, loadGguf, loadWeightFile, type ModelFolder } from "./model-folder.ts";

/**
 * The model that a hub id or an address names, or null when the text is neither.
 *
 * @throws source-unavailable when the other side does not answer or refuses, and what loading a folder throws
 */
export async function loadRemote(reference: string, options: LoadOptions): Promise<LoadedModel | null> {
  const address = isUrl(reference);
  const wanted = address ? parseHubUrl(reference, hubEndpoint(options.env)) : parseHubReference(reference);
  if (wanted === null && !address) return null;
  const progress = createProgress({
    isTerminal: options.terminal?.isTerminal ?? false,
    write: options.terminal?.write ?? (() => {}),
  });
  const client = createHttpClient({ progress: progress.update });
  try {
    return wanted === null
      ? await loadAddress(reference, client, options)
      : await loadHub(wanted, client, options);
  } finally {
    client.close();
    progress.done();
  }
}

async function loadHub(wanted: HubReference, client: HttpClient, options: LoadOptions): Promise<LoadedModel> {
  const listing = await resolveHub(wanted, { client, env: options.env, offline: isHubOffline(options.env) });
  const loaded = await loadListing(wanted, listing, options);
  return {
    ...loaded,
    id: hubName(wanted),
    source: "hub",
    revision: listing.commit,
    notes: [...loaded.notes, ...listing.notes],
  };
}

async function loadListing(
  wanted: HubReference,
  listing: HubListing,
  options: LoadOptions,
): Promise<LoadedModel> {
  const at = (folder: string): ModelFolder => ({
    name: hubName(wanted),
    source: "hub",
    fileNames: listing.files
      .map(({ path }) => path)
      .filter((path) => path.startsWith(folder) && !path.slice(folder.length).includes("/"))
      .map((path) => path.slice(folder.length)),
    open: (fileName) => listing.open(`${folder}${fileName}`),
    readText: (fileName, maxBytes) => listing.readText(`${folder}${fileName}`, maxBytes),
  });
  const root = at("");
  const hasWeights = root.fileNames.some((name) => /\.safetensors$|\.bin(\.index\.json)?$/.test(name));
  const file = wanted.file;
  if (wanted.quant === undefined && file === undefined && hasWeights) return loadFolder(root, options);
  if (file !== undefined && !/\.gguf$/i.test(file)) {
    const folder = at(file.slice(0, file.lastIndexOf("/") + 1));
    const name = file.slice(file.lastIndexOf("/") + 1);
    if (name.endsWith(".json") && !name.endsWith(".index.json"))
      return loadConfigText(await folder.readText(name, MOST_CONFIG_BYTES), hubName(wanted), "hub", options);
    return loadWeightFile(folder, name, options);
  }
  const anyGguf = listing.files.some(({ path }) => /\.gguf$/i.test(path));
  if (!anyGguf && wanted.quant === undefined && file === undefined) return loadFolder(root, options);
  const choice = pickGgufFile(listing.files, {
    name: hubName(wanted),
    ...defined({ quant: wanted.quant, file }),
  });
  const path = choice.files[0].path;
  const slash = path.lastIndexOf("/") + 1;
  return loadGguf(at(path.slice(0, slash)), path.slice(slash));
}

async function loadAddress(address: string, client: HttpClient, options: LoadOptions): Promise<LoadedModel> {
  const endpoint = hubEndpoint(options.env);
  const credential = await hubCredential(options.env, endpoint);
  const { fileName, source } = openUrl(address, {
    client,
    ...(credential === undefined ? {} : { credential }),
  });
  const folder: ModelFolder = {
    name: source.name,
    source: "hub",
    fileNames: [fileName],
    open: async (name) => {
      if (name === fileName) return source;
      throw new VramCalcError("unreadable-path", {
        path: name,
        reason: "only the file of the address is read",
        hint: "give the hub id of the model to read all its files",
      });
    },
    readText: async (_name, maxBytes) => new TextDecoder().decode(await source.read(0, maxBytes)),
  };
  if (/\.gguf$/i.test(fileName)) return { ...(await loadGguf(folder, fileName)), id: fileName };
  if (/\.safetensors$/.test(fileName))
    return { ...(await loadWeightFile(folder, fileName, options)), id: fileName };
  return loadConfigText(await folder.readText(fileName, MOST_CONFIG_BYTES), source.name, "hub", options);
}
