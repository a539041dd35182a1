import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Core from "@posthorn/core";
import { ApiError, failover, PoolError, PosthornError, type RetryPolicy, Session } from "@posthorn/core";
import type * as Provider from "@posthorn/core/provider";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestBackend, testBackend } from "./test-backend.js";

const dist = fileURLToPath(new URL("../../../packages/core/dist", import.meta.url));
const message = { from: "a@example.com", to: "b@example.com", subject: "S" };

describe("two copies of core", () => {
  let folder: string;
  let other: typeof Core;
  let otherBackend: TestBackend;
  let server: FaultServer;
  const here = testBackend();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "posthorn-core-"));
    await cp(dist, folder, { recursive: true });
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    const load = (entry: string): Promise<unknown> =>
      import(/* @vite-ignore */ pathToFileURL(join(folder, entry)).href);
    other = (await load("index.js")) as typeof Core;
    otherBackend = testBackend((await load("provider.js")) as typeof Provider);
    server = await startFaultServer();
  });
  afterEach(() => server.reset());
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const options = (): { apiKey: string; apiUrl: string; retry: false } => ({
    apiKey: "made-up",
    apiUrl: server.url,
    retry: false,
  });
  const failure = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );

  it("are two", () => {
    expect(other.PosthornError).not.toBe(PosthornError);
  });

  it("tell each other's errors", async () => {
    server.script({ kind: "answer", status: 401 });
    const error = await failure(otherBackend.make(options()).send(message));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toBeInstanceOf(PosthornError);
    expect(error).toBeInstanceOf(other.ApiError);
    expect(error).not.toBeInstanceOf(PoolError);
    expect(await failure(here.make(options()).send({ ...message, to: "x" }))).toBeInstanceOf(
      other.InvalidAddressError,
    );
  });

  it.each(["here", "there"] as const)("fail over between them, in a pool from %s", async (where) => {
    const pool = (where === "here" ? failover : other.failover)([
      otherBackend.make(options()),
      here.make(options()),
    ]);
    server.script({ kind: "answer", status: 429 });
    const result = await pool.send(message);
    expect(result.route.map(({ outcome }) => outcome)).toEqual(["failed", "accepted"]);
    server.reset();
    server.script({ kind: "answer", status: 429 }, { kind: "answer", status: 429 });
    const error = await failure(pool.send(message));
    expect(error).toBeInstanceOf(PoolError);
    expect(error).toMatchObject({ delivery: "not-sent", retryable: true });
  });

  it("pass a stream over which has been read once", async () => {
    const content = new Blob(["x".repeat(400_000)]).stream();
    const attachments = [{ filename: "a.txt", content }];
    server.script({ kind: "answer", status: 429 });
    await failover([otherBackend.make(options()), here.make(options())]).send({ ...message, attachments });
    await otherBackend.make(options()).send({ ...message, attachments });
    const bodies = server.requests.map(({ body }) => body.toString());
    expect(bodies).toHaveLength(3);
    for (const body of bodies) expect(body).toContain(btoa("x".repeat(399_999)).slice(0, -4));
  });

  it("send large attachments through each other's sessions, by each other's policies", async () => {
    const content = new Uint8Array(400_000).fill(65);
    const attachments = [{ filename: "a.bin", content }];
    const retry = new other.RetryPolicy({ total: 1, allowedMethods: null, statusForcelist: [418] });
    await here
      .make({ ...options(), session: new other.Session({ retry: false }) as unknown as Session })
      .send({
        ...message,
        attachments,
      });
    await otherBackend
      .make({ ...options(), session: new Session({ retry: false }) })
      .send({ ...message, attachments });
    for (const { body, headers } of server.requests) {
      expect(body.toString()).toContain("QUFB".repeat(133_333));
      expect(headers["content-length"]).toBe(String(body.length));
    }
    server.reset();
    server.script({ kind: "answer", status: 418 });
    await here.make({ ...options(), retry: retry as unknown as RetryPolicy }).send(message);
    expect(server.requests).toHaveLength(2);
  });
});
