// SPDX-License-Identifier: BSD-3-Clause
// node build.js FOLDER: the page as three files, of less than 300 KB together.
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = process.argv[2] ?? "build";
const mostBytes = 300_000;

mkdirSync(folder, { recursive: true });
await build({
  entryPoints: { app: "src/app.tsx" },
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "eof", // the libraries' licences stay with them
  jsx: "automatic",
  jsxImportSource: "preact",
});
copyFileSync("src/index.html", join(folder, "index.html"));
const bytes = ["index.html", "app.js", "app.css"].map((name) => statSync(join(folder, name)).size);
const total = bytes.reduce((sum, one) => sum + one, 0);
console.log(`the page has ${total} bytes, of ${mostBytes}`);
if (total >= mostBytes) process.exit(1);
