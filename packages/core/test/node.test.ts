import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, type Http2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type NodeHandlerOptions, NodeRequestError, toNodeHandler } from "../src/node/index.js";

type Handler = (request: Request) => Response | Promise<Response>;

const open: (() => void)[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);
process.on("unhandledRejection", onUnhandled);
afterEach(() => {
  for (const close of open.splice(0)) close();
  expect(unhandled.splice(0)).toEqual([]);
});

async function listen(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(handler: Handler, options?: NodeHandlerOptions): Promise<{ url: string; port: number }> {
  const port = await listen(createServer(toNodeHandler(handler, options)));
  return { url: `http://127.0.0.1:${port}`, port };
}

/** Writes bytes to a port as they are, and gives all that comes back until the other side closes. */
function speak(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

const echo: Handler = async (request) =>
  Response.json({
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body: await request.text(),
  });

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly [string, string][];
  readonly body: string;
}

async function echoOf(port: number, lines: readonly string[], body = ""): Promise<Echo> {
  const answer = await speak(port, `${[...lines, "connection: close"].join("\r\n")}\r\n\r\n${body}`);
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  return JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
}

describe("a request on Node", () => {
  it("has method, URL, headers and the exact bytes", async () => {
    const { url } = await serve(async (request) => {
      const bytes = new Uint8Array(await request.arrayBuffer());
      return new Response(bytes, { headers: { "x-url": request.url, "x-method": request.method } });
    });
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const answer = await fetch(`${url}/a%20b?c=%2F&d`, { method: "PUT", body: bytes });
    expect(answer.headers.get("x-url")).toBe(`${url}/a%20b?c=%2F&d`);
    expect(answer.headers.get("x-method")).toBe("PUT");
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
  });

  it("keeps repeated headers, and takes credentials once", async () => {
    const { port } = await serve(echo);
    const { headers } = await echoOf(port, [
      "GET / HTTP/1.1",
      "host: example.com",
      "x-a: 1",
      "X-A: 2",
      "authorization: Basic one",
      "authorization: Basic two",
    ]);
    expect(headers).toContainEqual(["x-a", "1, 2"]);
    expect(headers).toContainEqual(["authorization", "Basic one"]);
  });

  it("has the host for its URL, but no host that is more than one", async () => {
    const { port } = await serve(echo);
    expect((await echoOf(port, ["GET //x/y HTTP/1.1", "host: hooks.example.com:8080"])).url).toBe(
      "http://hooks.example.com:8080//x/y",
    );
    expect((await echoOf(port, ["GET / HTTP/1.1", "host: [::1]:80"])).url).toBe("http://[::1]/");
    expect((await echoOf(port, ["GET http://other.example/z?q HTTP/1.1", "host: a"])).url).toBe(
      "http://other.example/z?q",
    );
    for (const host of ["a.example/admin?", "user@a.example", "a b", "a.example#", "a\\b"]) {
      const answer = await speak(port, `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain("the host is no host");
    }
    for (const target of ["*", "ftp://a.example/", "http://"]) {
      const answer = await speak(port, `OPTIONS ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
    }
  });

  it("takes the origin that the options say, whatever the request says", async () => {
    const { port } = await serve(echo, { origin: "https://hooks.example.com/ignored" });
    for (const lines of [
      ["GET /p?q HTTP/1.1", "host: evil.example"],
      ["GET http://evil.example/p?q HTTP/1.1", "host: evil.example"],
      ["GET /p?q HTTP/1.1", "host: a/b?"],
    ]) {
      expect((await echoOf(port, lines)).url).toBe("https://hooks.example.com/p?q");
    }
    expect(() => toNodeHandler(echo, { origin: "hooks.example.com" })).toThrow(TypeError);
  });

  it("is refused with 405 where a Request cannot have its method", async () => {
    const errors: unknown[] = [];
    const { port } = await serve(echo, { onError: (error) => errors.push(error) });
    const answer = await speak(port, "TRACE / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 405 /);
    expect(errors).toEqual([expect.any(NodeRequestError)]);
  });

  it("tells of a body that breaks off, and the server lives on", async () => {
    let failed: unknown;
    const { url, port } = await serve(async (request) => {
      await request.text().catch((error: unknown) => {
        failed = error;
      });
      return new Response("done");
    });
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf", () => socket.destroy());
    });
    await expect.poll(() => failed).toBeInstanceOf(Error);
    expect(await (await fetch(url, { method: "POST", body: "x" })).text()).toBe("done");
  });

  it("is read no faster than the handler reads", async () => {
    let sent = 0;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { port } = await serve(async (request) => {
      await released;
      let size = 0;
      for await (const chunk of request.body ?? []) size += chunk.byteLength;
      return new Response(String(size));
    });
    const size = 50_000_000;
    const request = httpRequest({ port, host: "127.0.0.1", method: "POST" });
    const answered = new Promise<IncomingMessage>((resolve) => request.on("response", resolve));
    const chunk = Buffer.alloc(100_000);
    const pump = (): void => {
      while (sent < size) {
        sent += chunk.length;
        if (!request.write(chunk)) {
          request.once("drain", pump);
          return;
        }
      }
      request.end();
    };
    pump();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(size / 2);
    release();
    let text = "";
    for await (const part of await answered) text += part;
    expect(text).toBe(String(size));
  });
});

describe("middleware on Node", () => {
  const after =
    (listener: RequestListener, before: (request: IncomingMessage) => Promise<void>): RequestListener =>
    async (request, response) => {
      await before(request);
      listener(request, response);
    };
  const read = async (request: IncomingMessage): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it("may keep the bytes as rawBody or body, or the text", async () => {
    for (const name of ["rawBody", "body"]) {
      for (const keep of [(bytes: Buffer) => bytes, String]) {
        const listener = after(toNodeHandler(echo), async (request) => {
          Object.assign(request, { body: { parsed: true }, [name]: keep(await read(request)) });
        });
        const port = await listen(createServer(listener));
        const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: "é" });
        expect(((await answer.json()) as Echo).body).toBe("é");
      }
    }
  });

  it("that took the body is named in the answer", async () => {
    const errors: Error[] = [];
    const handler = toNodeHandler(echo, { onError: (error) => errors.push(error as Error) });
    const listener = after(handler, async (request) => {
      Object.assign(request, { body: JSON.parse(String(await read(request))) });
    });
    const port = await listen(createServer(listener));
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: "{}" });
    expect([answer.status, await answer.text()]).toEqual([
      500,
      expect.stringContaining("mount the webhook first, or keep the exact bytes as req.rawBody"),
    ]);
    expect(errors[0]?.message).toContain("read by middleware");
  });

  it("that took half of the body is found out too", async () => {
    const listener = after(toNodeHandler(echo), async (request) => {
      await new Promise((resolve) => request.once("readable", resolve));
      request.read(1);
    });
    const port = await listen(createServer(listener));
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: "1234" });
    expect(answer.status).toBe(500);
  });

  it("may shorten the URL, the whole of which is in originalUrl", async () => {
    const listener = after(toNodeHandler(echo), async (request) => {
      Object.assign(request, { originalUrl: request.url, url: "/" });
    });
    const port = await listen(createServer(listener));
    const answer = (await (await fetch(`http://127.0.0.1:${port}/hooks/a?b`)).json()) as Echo;
    expect(answer.url).toBe(`http://127.0.0.1:${port}/hooks/a?b`);
  });
});

describe("an answer on Node", () => {
  it("keeps status, headers and every cookie, and leaves the connection to the server", async () => {
    const { url } = await serve(() => {
      const headers = new Headers({ "x-a": "1", connection: "close", "keep-alive": "timeout=1" });
      headers.append("set-cookie", "a=1; Path=/");
      headers.append("set-cookie", "b=2, 3");
      headers.append("vary", "a");
      headers.append("vary", "b");
      return new Response("made", { status: 201, headers });
    });
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([201, "made"]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2, 3"]);
    expect(answer.headers.get("vary")).toBe("a, b");
    expect(answer.headers.get("connection")).toBe("keep-alive");
  });

  it("has no body for HEAD and for statuses without", async () => {
    let cancelled = 0;
    const { url, port } = await serve((request) =>
      request.url.endsWith("/204")
        ? new Response(null, { status: 204 })
        : new Response(new ReadableStream({ cancel: () => void cancelled++ })),
    );
    const answer = await speak(port, "HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n$/s);
    expect(cancelled).toBe(1);
    expect((await fetch(`${url}/204`)).status).toBe(204);
  });

  it("goes out as it is made, and its maker hears when nobody reads on", async () => {
    let cancelled = false;
    let send: ((text: string) => void) | undefined;
    const { url } = await serve(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => {
              send = (text) => controller.enqueue(new TextEncoder().encode(text));
            },
            cancel: () => {
              cancelled = true;
            },
          }),
        ),
    );
    const ended = new AbortController();
    const fetched = fetch(url, { signal: ended.signal });
    await expect.poll(() => send).toBeDefined();
    send?.("one");
    const reader = (await fetched).body?.getReader();
    const next = async (): Promise<string> => new TextDecoder().decode((await reader?.read())?.value);
    expect(await next()).toBe("one");
    send?.("two");
    expect(await next()).toBe("two");
    ended.abort();
    await expect.poll(() => cancelled).toBe(true);
  });

  it("is made no faster than the client takes it", async () => {
    let made = 0;
    const { port } = await serve(
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => {
              controller.enqueue(new Uint8Array(100_000));
              if (++made === 500) controller.close();
            },
          }),
        ),
    );
    const answer = await new Promise<IncomingMessage>((resolve) =>
      httpRequest({ port, host: "127.0.0.1" }, resolve).end(),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(made).toBeLessThan(250);
    let size = 0;
    for await (const chunk of answer) size += chunk.length;
    expect(size).toBe(50_000_000);
  });

  it("is 500 when the handler throws, without its words, and cut off when it breaks later", async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => {
      errors.push(error);
      throw new Error("in onError");
    };
    const failure = new Error("made-up-secret");
    const { url } = await serve(
      (request) => {
        if (request.url.endsWith("/now")) throw failure;
        return new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new Uint8Array(5)),
            pull: async (controller) => {
              await new Promise((resolve) => setTimeout(resolve, 20));
              controller.error(failure);
            },
          }),
        );
      },
      { onError },
    );
    const answer = await fetch(`${url}/now`);
    expect([answer.status, await answer.text()]).toEqual([500, "the request could not be handled\n"]);
    await expect(fetch(`${url}/later`).then((later) => later.text())).rejects.toThrow();
    expect(errors).toEqual([failure, failure]);
  });

  it("comes through when the handler stops reading a body in chunks, and the connection serves on", async () => {
    const { port } = await serve(async (request) => {
      const reader = request.body?.getReader();
      const first = await reader?.read();
      await reader?.cancel();
      return new Response(`saw ${first?.value ? "some" : "none"}`, { status: 413 });
    });
    const chunk = `${(10_000).toString(16)}\r\n${"x".repeat(10_000)}\r\n`;
    const upload = `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(200)}0\r\n\r\n`;
    const last = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx";
    const answer = await speak(port, upload + last);
    expect(answer.match(/HTTP\/1.1 413 /g)).toHaveLength(2);
  });

  it("comes through when the handler does not read the body at all", async () => {
    const { url } = await serve(() => new Response("no", { status: 413 }));
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(url, { method: "POST", body: new Uint8Array(5_000_000) });
      expect([answer.status, await answer.text()]).toEqual([413, "no"]);
    }
  });

  it("is followed by a cut when the sender never stops", async () => {
    const { port } = await serve(() => new Response("no", { status: 413 }));
    const sent = await new Promise<number>((resolve) => {
      let size = 0;
      const socket = connect(port, "127.0.0.1", () => {
        socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000000000\r\n\r\n");
        const bytes = Buffer.alloc(1_000_000);
        const pump = (): void => {
          while (!socket.destroyed && size < 1_000_000_000) {
            size += bytes.length;
            if (!socket.write(bytes)) break;
          }
        };
        socket.on("drain", pump);
        pump();
      });
      socket.resume();
      socket.on("error", () => {});
      socket.on("close", () => resolve(size));
    });
    expect(sent).toBeLessThan(100_000_000);
  });
});

describe("HTTP/2 on Node", () => {
  it("has its host by another name, and loses no header", async () => {
    const port = await listen(createHttp2Server(toNodeHandler(echo)));
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    open.push(() => session.destroy());
    const stream = session.request({ ":method": "POST", ":path": "/h2?a", "x-a": ["1", "2"] });
    stream.end("body");
    let text = "";
    for await (const chunk of stream) text += chunk;
    const seen = JSON.parse(text) as Echo;
    expect(seen).toMatchObject({ method: "POST", url: `http://127.0.0.1:${port}/h2?a`, body: "body" });
    expect(seen.headers).toContainEqual(["x-a", "1, 2"]);
    expect(seen.headers.some(([name]) => name.startsWith(":"))).toBe(false);
  });

  it("takes answers with headers of HTTP/1, answers HEAD, and bears a client that goes away", async () => {
    let release: (() => void) | undefined;
    const port = await listen(
      createHttp2Server(
        toNodeHandler(async (request) => {
          if (request.url.endsWith("/slow")) {
            await new Promise<void>((resolve) => {
              release = resolve;
            });
          }
          return new Response("ok", { headers: { connection: "close", "x-a": "1" } });
        }),
      ),
    );
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    open.push(() => session.destroy());
    const status = (path: string, method: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":path": path, ":method": method });
        stream.on("response", (headers) => resolve([headers[":status"], headers["x-a"]]));
        stream.on("error", reject);
        stream.resume().end();
      });
    expect(await status("/", "GET")).toEqual([200, "1"]);
    expect(await status("/", "HEAD")).toEqual([200, "1"]);
    const slow = session.request({ ":path": "/slow", ":method": "POST" });
    slow.on("error", () => {});
    slow.write("half");
    await expect.poll(() => release).toBeDefined();
    slow.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    release?.();
    expect(await status("/", "GET")).toEqual([200, "1"]);
  });
});
