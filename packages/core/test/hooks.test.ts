import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { FetchHooks as OfetchHooks } from "ofetch";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FetchHooks, Session } from "../src/index.js";

const requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  request.resume().on("end", () => response.end("{}"));
});
beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
afterAll(() => server.close());

it("takes hooks written with ofetch's types or ours, which change the request", async () => {
  const theirs: OfetchHooks = {
    onRequest: ({ options }) => {
      options.headers.set("x-hook", "1");
      options.query = { trace: "a b" };
    },
  };
  const ours: FetchHooks = theirs;
  const back: OfetchHooks = ours;
  for (const hooks of [theirs, ours, back]) {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/send`;
    await new Session({ hooks }).request({ method: "POST", url, headers: {}, body: "{}" });
    const request = requests.pop();
    expect(request?.url).toBe("/send?trace=a+b");
    expect(request?.headers["x-hook"]).toBe("1");
  }
});
