// Runs everything that must hold before a release, and adds it up: `npm test`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Checks that are not test suites; each counts as one. */
const CHECKS = [
  ["build", ["turbo", "run", "build", "--output-logs=errors-only"]],
  ["lint and format", ["biome", "check", "."]],
  ["types", ["turbo", "run", "typecheck", "--output-logs=errors-only"]],
  ["manifests", [process.execPath, "scripts/manifests.mjs", "--check"]],
  ["packages", [process.execPath, "scripts/check-packages.mjs"]],
  ["unused code", ["knip"]],
  ["feature matrix", [process.execPath, "scripts/feature-matrix.mjs", "--check"]],
  ["changesets", ["changeset", "status"]],
  ["bundle size", [process.execPath, "scripts/size.mjs"]],
];

const workspaces = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).workspaces.flatMap(
  (pattern) =>
    pattern.endsWith("/*")
      ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => join(pattern.slice(0, -2), name))
      : [pattern],
);
const suites = workspaces.filter((folder) => {
  const file = join(root, folder, "package.json");
  return existsSync(file) && Boolean(JSON.parse(readFileSync(file, "utf8")).scripts?.test);
});

const totals = { passed: 0, failed: 0, skipped: 0 };
const rows = [];

await import("./runtimes.mjs");

for (const [name, command] of CHECKS) {
  const ok = run(command);
  add(name, { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });
}

// A report left from an earlier run must not stand for this one; turbo puts it back when the suite is cached.
for (const folder of suites) rmSync(join(root, folder, ".report"), { recursive: true, force: true });
// One suite at a time: they start servers and measure cancellation, and machines have few cores.
const suitesOk = run(["turbo", "run", "test", "--continue", "--concurrency=1", "--output-logs=errors-only"]);
let failedBefore = totals.failed;
for (const folder of suites) add(folder, readReport(folder));
if (!suitesOk && totals.failed === failedBefore) {
  add("test runner", { passed: 0, failed: 1, skipped: 0 });
  failedBefore = totals.failed;
}

const width = Math.max(...rows.map(([name]) => name.length));
console.log("");
for (const [name, { passed, failed, skipped }] of rows) {
  console.log(
    `${name.padEnd(width)}  ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`,
  );
}
console.log("");
const skips = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
console.log(`${totals.passed} passed, ${totals.failed} failed${skips}`);
process.exitCode = totals.failed > 0 ? 1 : 0;

function run([tool, ...args]) {
  const bin = tool === process.execPath ? tool : join(root, "node_modules", ".bin", tool);
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", FORCE_COLOR: "0" };
  const { status, error } = spawnSync(bin, args, { cwd: root, stdio: "inherit", env });
  if (error) console.error(`${tool} could not be started: ${error.message}`);
  return status === 0;
}

function add(name, counts) {
  rows.push([name, counts]);
  for (const key of Object.keys(totals)) totals[key] += counts[key];
}

function readReport(folder) {
  const file = join(root, folder, ".report", "vitest.json");
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(file, "utf8"));
  // A file that fails to load has no failed test of its own.
  const broken = report.testResults.filter(
    (suite) => suite.status === "failed" && !suite.assertionResults.some(({ status }) => status === "failed"),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken + (report.numTotalTests === 0 ? 1 : 0),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
