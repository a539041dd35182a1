import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const BASES = [
  "tsup.base.ts",
  "scripts/declarations.mjs",
  "vitest.base.ts",
  "tsconfig.base.json",
  "biome.json",
  ".gitignore",
];

/** A root of its own, outside the repository, that shares only what is installed. */
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "posthorn-new-provider-"));
  await mkdir(join(root, "packages"));
  await mkdir(join(root, "scripts"));
  await Promise.all(BASES.map((file) => cp(join(repository, file), join(root, file))));
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  // What the tests' own runner sets would change how the one inside behaves.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd, env: { ...env, NODE_ENV: "", NO_COLOR: "1" }, timeout: 120_000 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: `${stdout}${stderr}` });
      },
    );
  });
}

const generate = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(repository, "scripts/new-provider.mjs"), "--root", root, ...args], repository);

const tool = (name: string, args: readonly string[], folder: string): Promise<Ended> =>
  run(join(repository, "node_modules/.bin", name), args, folder);

const OK = expect.objectContaining({ code: 0 });

describe("npm run new:provider", () => {
  it.each([
    { name: "acme", extra: [] },
    {
      name: "pony-express2",
      extra: ["--display", "Pony Express", "--api-url", "https://api.example.com/v1"],
    },
  ])(
    "makes a package that is formatted, builds, typechecks and passes its tests: $name",
    async (made) => {
      const folder = join(root, "packages", made.name);
      expect(await generate(made.name, ...made.extra)).toEqual(OK);
      expect(await tool("biome", ["check", "packages"], root)).toEqual(OK);
      expect(await tool("tsup", [], folder)).toEqual(OK);
      expect(await tool("tsc", ["--project", "tsconfig.src.json"], folder)).toEqual(OK);
      expect(await tool("tsc", ["--project", "tsconfig.json"], folder)).toEqual(OK);
      const tested = await tool("vitest", ["run"], folder);
      expect(tested).toEqual(OK);
      const report = JSON.parse(await readFile(join(folder, ".report/vitest.json"), "utf8"));
      expect(report).toMatchObject({ numFailedTests: 0, numPendingTests: 0 });
      expect(report.numPassedTests).toBeGreaterThanOrEqual(5);
    },
    240_000,
  );

  it("gives it the shape that the other providers have, and a changeset", async () => {
    const shape = async (folder: string): Promise<unknown> => {
      const { exports, scripts, engines, files, sideEffects, type, dependencies, devDependencies } =
        JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      // Not every provider can be asked after sending.
      delete exports["./manage"];
      const entries = (await readdir(folder)).filter(
        (name) => !name.startsWith(".") && !["dist", "node_modules", "CHANGELOG.md"].includes(name),
      );
      return { exports, scripts, engines, files, sideEffects, type, dependencies, devDependencies, entries };
    };
    expect(await shape(join(root, "packages/acme"))).toEqual(
      await shape(join(repository, "packages/mandrill")),
    );
    expect(await readFile(join(root, ".changeset/add-pony-express2.md"), "utf8")).toBe(
      '---\n"@posthorn/pony-express2": minor\n---\n\nSend through Pony Express.\n',
    );
  });

  it.each([
    { args: [], error: "name is missing" },
    { args: ["PonyExpress"], error: '"PonyExpress" is no package name: write it in kebab case' },
    { args: ["../escape"], error: "is no package name" },
    { args: ["one", "two"], error: 'what is "two"?' },
    { args: ["acme"], error: "packages/acme exists already" },
    { args: ["other", "--api-url", "ftp://example.com"], error: "is no http(s) URL" },
    { args: ["other", "--display", 'a"b'], error: "--display" },
    { args: ["other", "--colour"], error: "--colour" },
  ])("refuses $args and says why", async ({ args, error }) => {
    const { code, output } = await generate(...args);
    expect(code).toBe(1);
    expect(output).toContain(error);
    expect(output).toContain("usage: npm run new:provider");
    expect(output).not.toContain("    at ");
    expect((await readdir(join(root, "packages"))).sort()).toEqual(["acme", "pony-express2"]);
  });
});
