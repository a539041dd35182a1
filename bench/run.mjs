// `node bench/run.mjs [--quick] [NAME …]`: runs the benchmarks named, or all. A full run takes some 15 minutes.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const NAMES = ["sends"];
const args = process.argv.slice(2);
const quick = args.includes("--quick");
const names = args.filter((arg) => !arg.startsWith("--"));
for (const name of names.length > 0 ? names : NAMES) {
  const bench = await import(`./${name}.mjs`);
  const result = await bench.run({ quick });
  console.log(`\n## ${bench.title}\n`);
  console.log(bench.show(result));
  console.log(bench.misses(result).join("\n"));
}
