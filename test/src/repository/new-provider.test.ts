import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
// A folder whose name begins with a dot is no workspace, so that a build running beside this one does not meet it.
const folder = ".generated-acme-mail";
const target = `${root}packages/${folder}`;
const remove = (): void => rmSync(target, { recursive: true, force: true });

function run(
  command: string,
  args: readonly string[],
  cwd = root,
): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}
const generate = (...args: string[]): { status: number | null; output: string } =>
  run(process.execPath, ["scripts/new-provider.mjs", ...args]);
const tool = (name: string): string => `${root}node_modules/.bin/${name}`;

describe("new:provider", { timeout: 120_000 }, () => {
  beforeAll(remove);
  afterAll(remove);

  it("makes a package that builds, type-checks, is formatted and passes its test", () => {
    expect(generate("acme-mail", "--folder", folder)).toMatchObject({ status: 0 });
    for (const args of [
      ["tsup"],
      ["tsc", "--project", "tsconfig.src.json"],
      ["tsc", "--project", "tsconfig.json"],
      ["vitest", "run"],
    ]) {
      const [name = "", ...rest] = args;
      const { status, output } = run(tool(name), rest, target);
      expect(status, output).toBe(0);
    }
    expect(existsSync(`${target}/dist/index.d.ts`)).toBe(true);
  });

  it("refuses a second package of that name, and names that are none", () => {
    for (const [args, why] of [
      [["acme", "--folder", folder], "already"],
      [["Acme"], "kebab case"],
      [["../evil"], "kebab case"],
      [[], "Give one name"],
      [["a", "b"], "Give one name"],
    ] as const) {
      const { status, output } = generate(...args);
      expect(status).toBe(1);
      expect(output).toContain(why);
    }
  });
});
