// Writes src/page/caniemail.json: the mail apps that lack a feature of caniemail.com, for all features that the page's checks
// look for. Run it with the site's data (https://www.caniemail.com/api/data.json) when that is newer:
// node scripts/caniemail.mjs DATA.json
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [, , source] = process.argv;
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { data, last_update_date: updated } = JSON.parse(readFileSync(source, "utf8"));
const { outputFiles } = await build({
  entryPoints: [at("../src/page/compatibility.ts")],
  bundle: true,
  format: "esm",
  write: false,
  loader: { ".json": "empty" },
});
const { RULES } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);

/** Mail apps that most people use, by the site's family and platforms. */
const APPS = [
  ["Gmail", "gmail", ["desktop-webmail"]],
  ["Gmail apps", "gmail", ["ios", "android"]],
  ["Outlook for Windows", "outlook", ["windows"]],
  ["Outlook.com", "outlook", ["outlook-com"]],
  ["Outlook apps", "outlook", ["ios", "android"]],
  ["Apple Mail", "apple-mail", ["macos", "ios"]],
  ["Yahoo Mail", "yahoo", ["desktop-webmail"]],
];

const missing = {};
for (const { slug } of RULES) {
  const feature = data.find((entry) => entry.slug === slug);
  if (!feature) throw new Error(`caniemail.com has no ${slug}`);
  const lacks = ([, family, platforms]) =>
    platforms.every((platform) => {
      // The newest version that was tested is the one that counts.
      const latest = Object.values(feature.stats[family]?.[platform] ?? {}).at(-1);
      return typeof latest === "string" && latest.startsWith("n");
    });
  missing[slug] = APPS.map((app, index) => (lacks(app) ? index : "")).join("");
}
const apps = APPS.map(([name]) => name);
writeFileSync(at("../src/page/caniemail.json"), `${JSON.stringify({ updated, apps, missing }, null, 2)}\n`);
