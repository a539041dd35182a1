import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailjet } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(
    mailjet({
      apiKey: "made-up",
      secretKey: "made-up-too",
      apiUrl: `${server.url}/v3.1`,
      retry: { backoffFactor: 0 },
    }),
  );
const answer = (body: unknown, status = 200): void =>
  server.script({ kind: "answer", status, body: body === undefined ? "" : JSON.stringify(body) });
/** Method, path and body of each request, without its credentials. */
const sent = () =>
  server.requests.map(({ method, path, body }) => [method, path, JSON.parse(body.toString() || "null")]);
const all = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};

describe("manage of mailjet", () => {
  it("retrieves a message and its history", async () => {
    answer({ Count: 1, Data: [{ ID: 1, Status: "opened", ArrivedAt: "2026-01-02T03:04:05Z" }] });
    answer({
      Count: 2,
      Data: [
        { EventAt: 1_700_000_010, EventType: "opened", State: "", Comment: "" },
        { EventAt: 1_700_000_000, EventType: "sent", State: "", Comment: "" },
      ],
    });
    const message = await manager().retrieve("1152921526505923417");
    expect(sent().map(([method, path]) => [method, path])).toEqual([
      ["GET", "/v3/REST/message/1152921526505923417"],
      ["GET", "/v3/REST/messagehistory/1152921526505923417"],
    ]);
    expect(message).toMatchObject({ messageId: "1152921526505923417", status: "delivered" });
    expect(message?.events.map(({ eventType, timestamp }) => [eventType, timestamp?.getTime()])).toEqual([
      ["delivered", 1_700_000_000_000],
      ["opened", 1_700_000_010_000],
    ]);
  });

  it("knows an id that is not there from an error", async () => {
    answer({ ErrorMessage: "Object not found" }, 404);
    expect(await manager().retrieve("1")).toBeUndefined();
    answer({ Count: 0, Data: [] });
    expect(await manager().retrieve("1")).toBeUndefined();
    answer({ ErrorCode: "mj-0015", ErrorMessage: "no credentials" }, 401);
    await expect(manager().retrieve("1")).rejects.toMatchObject({
      name: "ApiError",
      status: 401,
      code: "mj-0015",
    });
  });

  it("refuses what Mailjet lacks, in types and at run time", async () => {
    // @ts-expect-error Mailjet cannot cancel
    await expect(manager().cancel("1")).rejects.toMatchObject({ field: "cancel", provider: "Mailjet" });
    // @ts-expect-error Mailjet has no suppressions
    await expect(all(manager().suppressions.list({}))).rejects.toMatchObject({ field: "suppressions.list" });
  });
});
