import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { fetchBytes } from "../src/bytes/fetch-bytes.js";

const servers: Server[] = [];

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterAll(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))));

const SECRETS = { "api-key": "made-up", "x-amz-security-token": "made-up", authorization: "Bearer made-up" };
const names = Object.keys(SECRETS);

describe("fetchBytes", () => {
  it("follows redirects, with its headers to the same origin and without to another", async () => {
    const seen: string[] = [];
    const note = (request: IncomingMessage): void =>
      void seen.push(`${request.url} ${names.filter((name) => name in request.headers).length}`);
    const other = await listen((request, response) => {
      note(request);
      response.end("bytes");
    });
    const origin = await listen((request, response) => {
      note(request);
      const to = request.url === "/a" ? "/b" : `${other}/c`;
      response.writeHead(302, { location: to }).end();
    });
    expect(new TextDecoder().decode(await fetchBytes("Test", `${origin}/a`, SECRETS))).toBe("bytes");
    expect(seen).toEqual(["/a 3", "/b 3", "/c 0"]);
  });

  it("ends redirects that do not", async () => {
    const origin = await listen((_, response) => response.writeHead(307, { location: "/again" }).end());
    await expect(fetchBytes("Test", origin, {})).rejects.toThrow("redirected more than 5 times");
  });

  it("reads no more than it may, of what is unpacked too", async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const origin = await listen((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    await expect(fetchBytes("Test", origin, {}, fetch, 1_000_000)).rejects.toMatchObject({
      message: expect.stringContaining("larger than 1000000 bytes"),
      retryable: false,
    });
    expect(await fetchBytes("Test", origin, {}, fetch, 5_000_000)).toHaveLength(5_000_000);
  });

  it("says which failures are worth another try, and nothing of credentials", async () => {
    let status = 503;
    const origin = await listen((_, response) => response.writeHead(status).end("made-up"));
    await expect(fetchBytes("Test", `${origin}/x?token=made-up`, SECRETS)).rejects.toMatchObject({
      message: `Test: ${origin}/x answered 503`,
      retryable: true,
    });
    status = 404;
    await expect(fetchBytes("Test", origin, SECRETS)).rejects.toMatchObject({ retryable: false });
  });
});
