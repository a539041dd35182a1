import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postmark } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(postmark({ serverToken: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
const answer = (body: unknown, status = 200): void =>
  server.script({ kind: "answer", status, body: body === undefined ? "" : JSON.stringify(body) });
/** Method, path and JSON of the requests that arrived. */
const sent = () =>
  server.requests.map(({ method, path, body }) => [method, path, JSON.parse(body.toString() || "null")]);
const listed = async () => {
  const found = [];
  for await (const { address, reason, createdAt } of manager().suppressions.list())
    found.push([address, reason, createdAt?.toISOString()]);
  return found;
};

describe("manage of postmark", () => {
  it("retrieves a message's events, and undefined for one that is not there", async () => {
    answer({
      MessageID: "m1",
      Status: "Sent",
      MessageEvents: [
        {
          Recipient: "grace@example.org",
          Type: "Delivered",
          ReceivedAt: "2026-01-02T03:04:05Z",
          Details: { DeliveryMessage: "250 OK" },
        },
        { Recipient: "grace@example.org", Type: "Opened", ReceivedAt: "2026-01-02T04:04:05Z", Details: {} },
      ],
    });
    expect(await manager().retrieve("m1")).toMatchObject({
      status: "delivered",
      events: [{ eventType: "delivered", mtaResponse: "250 OK" }, { eventType: "opened" }],
    });
    answer({ ErrorCode: 701, Message: "This message does not exist" }, 422);
    expect(await manager().retrieve("x")).toBeUndefined();
    answer({ ErrorCode: 600, Message: "Invalid query" }, 422);
    await expect(manager().retrieve("x")).rejects.toThrow("Invalid query");
    expect(sent()[0]).toEqual(["GET", "/messages/outbound/m1/details", null]);
  });

  it("lists, adds and removes suppressions of the stream", async () => {
    const entry = {
      EmailAddress: "a@example.org",
      SuppressionReason: "HardBounce",
      CreatedAt: "2026-01-02T03:04:05Z",
    };
    answer({ Suppressions: [entry] });
    expect(await listed()).toEqual([["a@example.org", "bounced", "2026-01-02T03:04:05.000Z"]]);
    answer({ Suppressions: [{ EmailAddress: "b@example.org", Status: "Suppressed" }] });
    await manager().suppressions.add("b@example.org");
    answer({ Suppressions: [entry] });
    answer({ Suppressions: [{ EmailAddress: "a@example.org", Status: "Deleted" }] });
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    answer({ Suppressions: [] });
    expect(await manager().suppressions.remove("a@example.org")).toBe(false);
    const base = "/message-streams/outbound/suppressions";
    const body = { Suppressions: [{ EmailAddress: "b@example.org" }] };
    expect(sent().slice(0, 3)).toEqual([
      ["GET", `${base}/dump`, null],
      ["POST", base, body],
      ["GET", `${base}/dump?EmailAddress=a%40example.org`, null],
    ]);
    expect(sent()[3]?.[1]).toBe(`${base}/delete`);
    answer({ Suppressions: [{ Status: "Failed", Message: "You cannot do that." }] });
    await expect(manager().suppressions.add("b@example.org")).rejects.toThrow("You cannot do that.");
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer({ Suppressions: [] });
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
