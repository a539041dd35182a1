import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { barChart } from "./chart.mjs";

const folder = fileURLToPath(new URL("../../apps/docs/bench/", import.meta.url));
const page = fileURLToPath(new URL("../../apps/docs/benchmarks.md", import.meta.url));

/** Where the figures are from. */
export function machine() {
  const all = cpus();
  return {
    node: process.version,
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Writes a benchmark's result as JSON, its chart, and its section of the page. */
export async function save(name, result) {
  const bench = await import(`../${name}.mjs`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(result, undefined, 1)}\n`);
  const chart = bench.chart?.(result);
  if (chart) writeFileSync(`${folder}${name}.svg`, barChart(chart));
  const { node, cpu, cores, platform, date } = result.machine;
  const parts = [
    bench.show(result),
    ...(chart ? [`![${chart.title}](bench/${name}.svg)`] : []),
    ...(result.missed.length > 0
      ? [`Targets missed:\n\n${result.missed.map((miss) => `- ${miss}`).join("\n")}`]
      : []),
    `Measured ${date} on ${cpu}, ${cores} cores, ${platform}, Node ${node}.`,
  ];
  writeSection(name, parts.join("\n\n"));
}

/** Puts text between a section's marks, which the page has. */
function writeSection(name, text) {
  if (!existsSync(page)) throw new Error(`${page} is missing`);
  const before = readFileSync(page, "utf8");
  const [open, close] = [`<!-- bench ${name} -->`, `<!-- end ${name} -->`];
  const [start, end] = [before.indexOf(open), before.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`benchmarks.md has no section "${name}"`);
  writeFileSync(page, `${before.slice(0, start + open.length)}\n\n${text}\n\n${before.slice(end)}`);
}
