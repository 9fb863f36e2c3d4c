// Builds what the browser needs into src/academe/platform/static/dist: hashed, minified files and manifest.json,
// which maps the plain names to the hashed ones and lists the icons of the sprite.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.resolve(here, "../src/academe/platform/static/dist");

// Tabler ships its styles as Sass modules; taking only the parts we use keeps the style sheet a quarter of its size.
const sassPlugin = {
  name: "sass",
  setup(build) {
    build.onLoad({ filter: /\.scss$/ }, (file) => {
      const result = sass.compile(file.path, {
        loadPaths: [path.join(here, "node_modules")],
        silenceDeprecations: ["import", "global-builtin", "if-function"],
        quietDeps: true,
      });
      return { contents: result.css, loader: "css", resolveDir: path.dirname(file.path) };
    });
  },
};

async function bundle() {
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: { app: "src/app.js", theme: "src/theme.js", style: "src/styles/style.css" },
    outdir: target,
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    legalComments: "none",
    target: ["chrome123", "firefox120", "safari17.5"],
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "dataurl" },
    plugins: [sassPlugin],
    metafile: true,
  });
  const files = {};
  for (const [output, details] of Object.entries(result.metafile.outputs)) {
    const name = path.basename(output);
    if (details.entryPoint) {
      const entry = path.parse(details.entryPoint);
      files[entry.name + path.extname(output)] = name;
    } else if (name.endsWith(".woff2")) {
      files[name.replace(/-[A-Z0-9]{8}\.woff2$/, ".woff2")] = name;
    }
  }
  return { files, written: Object.keys(result.metafile.outputs).map((output) => path.basename(output)) };
}

// One symbol per icon; "filled/star" takes the filled drawing under the name "star-filled".
async function sprite() {
  const names = JSON.parse(await readFile(path.join(here, "icons.json"), "utf8"));
  const symbols = [];
  const ids = [];
  for (const name of names) {
    const filled = name.startsWith("filled/");
    const file = filled ? name : `outline/${name}`;
    const source = await readFile(path.join(here, "node_modules/@tabler/icons/icons", `${file}.svg`), "utf8");
    const shapes = source
      .slice(source.indexOf(">", source.indexOf("<svg")) + 1, source.lastIndexOf("</svg>"))
      .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "")
      .replace(/\s*\n\s*/g, "");
    const paint = filled
      ? 'fill="currentColor" stroke="none"'
      : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
    const id = filled ? `${name.slice("filled/".length)}-filled` : name;
    ids.push(id);
    symbols.push(`<symbol id="${id}" viewBox="0 0 24 24" ${paint}>${shapes}</symbol>`);
  }
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  const file = `icons-${hash}.svg`;
  await writeFile(path.join(target, file), text);
  return { file, ids: ids.sort() };
}

async function main() {
  await mkdir(target, { recursive: true });
  const before = new Set(await readdir(target));
  const { files, written } = await bundle();
  const icons = await sprite();
  files["icons.svg"] = icons.file;
  const manifest = { files: Object.fromEntries(Object.entries(files).sort()), icons: icons.ids };
  await writeFile(path.join(target, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
  // Only now, so that a server that runs meanwhile always finds the files of its manifest.
  const kept = new Set([...written, icons.file, "manifest.json"]);
  for (const name of before) if (!kept.has(name)) await rm(path.join(target, name), { recursive: true });
}

await main();
