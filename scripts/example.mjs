// Builds the example app with what it stands on, and runs it: `npm run example`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
run(join(root, "node_modules", ".bin", "turbo"), [
  "run",
  "build",
  "--filter=@posthorn/example...",
  "--output-logs=errors-only",
]);
run(process.execPath, [join(root, "apps/example/dist/main.js"), ...process.argv.slice(2)]);

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
