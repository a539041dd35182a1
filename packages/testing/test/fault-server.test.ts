import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type FaultServer,
  seededRandom,
  startFakeMailgun,
  startFakeMandrill,
  startFaultServer,
} from "../src/servers/index.js";

const open: FaultServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});
const start = async (): Promise<FaultServer> => {
  const server = await startFaultServer();
  open.push(server);
  return server;
};

describe("the fault server", () => {
  it("does what it is told, in order, and counts what it took", async () => {
    const server = await start();
    server.script(
      { kind: "answer", status: 429, headers: { "retry-after": "3" }, body: "slow" },
      { kind: "truncated-body", body: "0123456789" },
      { kind: "invalid-http" },
      { kind: "reset-after-request", accepted: true },
      { kind: "close-after-request" },
    );
    const post = (): Promise<Response> => fetch(server.url, { method: "POST", body: "mail" });
    const limited = await post();
    expect([limited.status, limited.headers.get("retry-after"), await limited.text()]).toEqual([
      429,
      "3",
      "slow",
    ]);
    await expect((await post()).text()).rejects.toThrow();
    for (let index = 0; index < 3; index++) await expect(post()).rejects.toThrow("fetch failed");
    expect(await (await post()).json()).toEqual({});
    expect(server.requests.map(({ accepted }) => accepted)).toEqual([false, true, false, true, false, true]);
    expect(server.requests.every(({ body }) => body.toString() === "mail")).toBe(true);
  });

  it("resets a connection before reading, and reads chunked bodies that come in pieces", async () => {
    const server = await start();
    server.script({ kind: "reset-on-accept" });
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
    expect(server.requests).toEqual([]);
    const socket = connect(server.port, "127.0.0.1");
    for (const piece of [
      "POST /x HTTP/1.1\r\ntransfer-enc",
      "oding: chunked\r\n\r\n3\r\nab",
      "c\r\n2\r\nde\r\n0\r\n\r\n",
    ]) {
      socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    expect(server.requests.map(({ path, body }) => [path, body.toString()])).toEqual([["/x", "abcde"]]);
  });
});

describe("fake providers", () => {
  it("answer as the real ones do", async () => {
    const mandrill = await startFakeMandrill();
    const mailgun = await startFakeMailgun();
    open.push(mandrill, mailgun);
    const wrong = await fetch(`${mandrill.apiUrl}/messages/send.json`, {
      method: "POST",
      body: '{"key":"made-up"}',
    });
    expect([wrong.status, await wrong.json()]).toMatchObject([500, { name: "Invalid_Key" }]);
    const slogan = await fetch(`${mailgun.apiUrl}/oops`, { method: "POST" });
    expect([slogan.status, await slogan.text()]).toEqual([200, "Mailgun Magnificent API"]);
    const authorization = `Basic ${btoa(`api:${mailgun.apiKey}`)}`;
    const none = await fetch(`${mailgun.apiUrl}/example.com/messages`, {
      method: "POST",
      headers: { authorization },
    });
    expect([none.status, await none.json()]).toEqual([400, { message: "to parameter is missing" }]);
    expect(mailgun.messages).toEqual([]);
  });
});

describe("seededRandom", () => {
  it("gives the same numbers for the same seed", () => {
    const numbers = (seed: number): number[] => Array.from({ length: 100 }, seededRandom(seed));
    expect(numbers(1)).toEqual(numbers(1));
    expect(numbers(1)).not.toEqual(numbers(2));
    expect(numbers(1).every((number) => number >= 0 && number < 1)).toBe(true);
  });
});
