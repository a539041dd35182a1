// Runs everything that must hold before a release, and adds it up: `npm test`. With `--deep` (`npm run test:deep`) it runs the long
// rounds instead: the test files that have them, with POSTHORN_DEEP set.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const deep = process.argv.includes("--deep");

/** Checks that are not test suites; each counts as one. */
const CHECKS = [
  ["build", ["turbo", "run", "build", "--output-logs=errors-only"]],
  ["lint and format", ["biome", "check", "."]],
  ["types", ["turbo", "run", "typecheck", "--output-logs=errors-only"]],
  ["manifests", [process.execPath, "scripts/manifests.mjs", "--check"]],
  ["packages", [process.execPath, "scripts/check-packages.mjs"]],
  ["unused code", ["knip"]],
  ["feature matrix", [process.execPath, "scripts/feature-matrix.mjs", "--check"]],
  ["webhook meanings", [process.execPath, "scripts/webhook-meanings.mjs", "--check"]],
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

// A report left from an earlier run must not stand for this one; turbo puts it back when the suite is cached.
for (const folder of suites) rmSync(join(root, folder, ".report"), { recursive: true, force: true });
if (deep) runDeep();
else runAll();

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
// What a run came to, for whoever adds up several.
mkdirSync(join(root, ".report"), { recursive: true });
writeFileSync(join(root, ".report", deep ? "deep.json" : "test.json"), JSON.stringify(totals));

function runAll() {
  for (const [name, command] of CHECKS) {
    const ok = run(command);
    add(name, { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });
  }
  // One suite at a time: they start servers and measure cancellation, and machines have few cores.
  const ok = run(["turbo", "run", "test", "--continue", "--concurrency=1", "--output-logs=errors-only"]);
  const failedBefore = totals.failed;
  for (const folder of suites) add(folder, readReport(folder));
  if (!ok && totals.failed === failedBefore) add("test runner", { passed: 0, failed: 1, skipped: 0 });
}

function runDeep() {
  run(["turbo", "run", "build", "--output-logs=errors-only"]);
  for (const folder of suites) {
    const files = testFiles(join(root, folder)).filter((file) =>
      /\b(?:POSTHORN_)?DEEP\b/.test(readFileSync(file, "utf8")),
    );
    if (files.length === 0) continue;
    const names = files.map((file) => relative(join(root, folder), file));
    const ok = run(["vitest", "run", ...names], { cwd: join(root, folder), env: { POSTHORN_DEEP: "1" } });
    const counts = readReport(folder);
    add(folder, !ok && counts.failed === 0 ? { ...counts, failed: 1 } : counts);
  }
}

function testFiles(folder) {
  return ["test", "src"]
    .map((name) => join(folder, name))
    .filter(existsSync)
    .flatMap((tree) =>
      readdirSync(tree, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".test.ts"))
        .map((name) => join(tree, name)),
    );
}

function run([tool, ...args], options = {}) {
  const bin = tool === process.execPath ? tool : join(root, "node_modules", ".bin", tool);
  const quiet = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", FORCE_COLOR: "0" };
  const env = { ...process.env, ...quiet, ...options.env };
  const { status, error } = spawnSync(bin, args, { cwd: options.cwd ?? root, stdio: "inherit", env });
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
