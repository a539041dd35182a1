// Runs the benchmarks named, or all: `npm run bench`, `npm run bench -- sends --quick`. A full run takes some 15
// minutes, and writes what it measured to `apps/docs`; a quick one only prints, and is good for nothing else.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { machine, save } from "./lib/report.mjs";

const NAMES = ["sends", "start", "memory", "payload", "webhooks", "retry"];
const root = fileURLToPath(new URL("..", import.meta.url));
const args = process.argv.slice(2);
const quick = args.includes("--quick");
const names = args.filter((arg) => !arg.startsWith("--"));
const unknown = names.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark "${unknown.join('", "')}"; there are ${NAMES.join(", ")}.`);
  process.exit(1);
}

if (!args.includes("--no-setup")) setUp();
for (const name of NAMES.filter((each) => names.length === 0 || names.includes(each))) {
  const bench = await import(`./${name}.mjs`);
  const began = performance.now();
  const result = await bench.run({ quick });
  const missed = bench.misses(result);
  console.log(`\n## ${bench.title}\n\n${bench.show(result)}\n`);
  for (const miss of missed) console.log(`target missed: ${miss}`);
  console.log(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  if (!quick) await save(name, { machine: machine(), ...result, missed });
}

/** Builds Posthorn and installs the peers and the runtimes. */
function setUp() {
  call("npx", ["turbo", "run", "build", "--filter=./packages/*", "--output-logs=errors-only"], root);
  call("npm", ["ci", "--ignore-scripts"], fileURLToPath(new URL(".", import.meta.url)));
  call(process.execPath, ["scripts/runtimes.mjs"], root);
}

function call(command, argv, cwd) {
  const { status } = spawnSync(command, argv, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
