import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const compilers = join(repository, "test/compilers/node_modules");

/** Every entry of every published package that runs without a server, imported; merge data that is an interface. */
const CONSUMER = `
import type { Message } from "@posthorn/core";
interface Values { name: string; order: { id: number } }
declare const values: Values;
export const message: Message = {
  from: "Ada <ada@example.com>",
  to: "grace@example.org",
  subject: "Hello",
  text: "Hi",
  mergeGlobalData: values,
  metadata: values,
};
`;

/** What a project can have for platform types. None has them all, and none skips the check of libraries. */
const PLATFORMS = {
  "Node's types alone": { lib: ["es2023"], types: ["node"] },
  "the DOM's types alone": { lib: ["es2023", "dom", "dom.iterable"], types: [] },
  "the types of Cloudflare Workers": { lib: ["es2023"], types: ["@cloudflare/workers-types"] },
};
/** The oldest and the newest; those between only in the long run. */
const RELEASES = ["typescript56", ...(process.env["POSTHORN_DEEP"] ? ["typescript59"] : []), "typescript60"];

/** Packages for servers alone, whose users have Node's types. */
const SERVERS = new Set(["testing", "outbox", "smtp", "nodemailer", "mailbox", "cli", "bullmq", "pg-boss"]);

let folder: string;
beforeAll(() => {
  // Within the repository, so that its packages are found.
  mkdirSync(join(repository, "test/node_modules"), { recursive: true });
  folder = mkdtempSync(join(repository, "test/node_modules/types-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function imports(): string {
  const packages = join(repository, "packages");
  return readdirSync(packages)
    .filter((name) => existsSync(join(packages, name, "package.json")))
    .filter((name) => !SERVERS.has(name))
    .flatMap((name) => {
      const manifest = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
      return Object.keys(manifest.exports)
        .filter((path) => path !== "./package.json")
        .filter((path) => !(name === "core" && path === "./node"))
        .map((path) => `@posthorn/${name}${path.slice(1)}`);
    })
    .map((entry, index) => `export * as entry${index} from ${JSON.stringify(entry)};`)
    .join("\n");
}

function compile(release: string, options: object, source: string): Promise<string> {
  const project = mkdtempSync(join(folder, "project-"));
  writeFileSync(join(project, "consumer.mts"), source);
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    target: "es2022",
    module: "nodenext",
    moduleResolution: "nodenext",
    typeRoots: [join(compilers, "@types")],
    ...options,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.mts"] }));
  return new Promise((resolve) => {
    execFile(process.execPath, [join(compilers, release, "lib/tsc.js"), "-p", project], (_error, stdout) =>
      resolve(stdout),
    );
  });
}

describe.each(Object.entries(PLATFORMS))("with %s", (_name, { lib, types }) => {
  const found = types.map((type) => (type.includes("/") ? join(compilers, type) : type));
  it.each(RELEASES)(
    "the declarations hold under %s, libraries checked",
    async (release) => {
      const source = imports() + CONSUMER;
      expect(await compile(release, { lib, types: found }, source)).toBe("");
    },
    120_000,
  );
});

describe("the old ways to resolve modules", () => {
  it.each(["node10", "bundler"])(
    "%s finds every entry",
    async (moduleResolution) => {
      const options = {
        lib: ["es2023"],
        types: ["node"],
        module: moduleResolution === "node10" ? "commonjs" : "esnext",
        moduleResolution,
      };
      expect(await compile("typescript59", options, imports())).toBe("");
    },
    120_000,
  );
});
