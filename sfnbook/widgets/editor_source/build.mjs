// node build.mjs: editor.js and CodeMirror in one file, ../editor.js, with the licences beside it.
// The first line of the output holds the digest of what it was made from; a test compares it.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..");
const SOURCES = ["editor.js", "build.mjs", "package.json", "package-lock.json"];

const digest = createHash("sha256");
for (const name of SOURCES) digest.update(readFileSync(join(here, name)));

const { metafile, outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["editor.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  define: { "define.amd": "false" },
  metafile: true,
  write: false,
});

/** The packages whose code is in the output. */
function bundled() {
  const found = new Set();
  for (const file of Object.keys(metafile.inputs)) {
    const name = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
    if (name) found.add(name);
  }
  return [...found].sort();
}

/** The text of a package's licence, under its name and version. @param {string} name */
function licence(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find(one => /^licen[cs]e/i.test(one));
  if (!file || !existsSync(join(folder, file))) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

const packages = bundled();
const head = `// Built by editor_source/build.mjs from ${digest.digest("hex")}; licences: editor.LICENSES.txt\n`;
writeFileSync(join(out, "editor.js"), head + outputFiles[0].text);
const title = `editor.js holds code of ${packages.length} packages, which have these licences.\n`;
writeFileSync(join(out, "editor.LICENSES.txt"), [title, ...packages.map(licence)].join(`\n${"-".repeat(72)}\n\n`));
console.log(`editor.js: ${(outputFiles[0].contents.length / 1024).toFixed(0)} KiB, ${packages.length} packages`);
