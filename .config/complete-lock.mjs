// Adds the optional packages of other platforms to the lockfile where a registry's view left them out, so that
// `npm ci` accepts it on every machine: npm run lock, after npm install.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const systems = ["android", "darwin", "win32", "freebsd", "openharmony", "linux", "aix", "sunos"];
const processors = [
  "arm64",
  "x64",
  "ia32",
  "arm",
  "ppc64",
  "s390x",
  "riscv64",
  "loong64",
  "mips64el",
  "wasm32",
];

for (const [folder, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${folder}/node_modules/${name}`;
    if (lock.packages[`node_modules/${name}`] !== undefined || lock.packages[nested] !== undefined) continue;
    const parts = name.split(/[-/@]/);
    const system = name.includes("wasm32") ? undefined : systems.find((word) => parts.includes(word));
    const cpu = processors.find((word) => parts.includes(word));
    if (cpu === undefined || !/^\d/.test(version))
      throw new Error(`${name}@${version}: no platform in its name`);
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
      ...(system === undefined ? {} : { os: [system] }),
      ...(name.endsWith("musl") ? { libc: ["musl"] } : {}),
    };
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
