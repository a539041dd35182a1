import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailgun } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = (senderDomain: string | undefined = "mg.example.com") =>
  manage(
    mailgun({ apiKey: "made-up", apiUrl: `${server.url}/v3`, senderDomain, retry: { backoffFactor: 0 } }),
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

describe("manage of mailgun", () => {
  it("retrieves the events of a message over all their pages, and sends the key nowhere else", async () => {
    const event = (name: string, timestamp: number, more: object = {}) => ({
      event: name,
      timestamp,
      recipient: "grace@example.org",
      message: { headers: { "message-id": "1@mg.example.com" } },
      ...more,
    });
    answer({
      items: [
        event("accepted", 1_700_000_000),
        event("failed", 1_700_000_001.5, { severity: "temporary", reason: "generic" }),
      ],
      paging: { next: "https://elsewhere.example/v3/mg.example.com/events/page2?x=1" },
    });
    answer({
      items: [event("delivered", 1_700_000_002)],
      paging: { next: "https://elsewhere.example/v3/p3" },
    });
    answer({ items: [], paging: { next: "https://elsewhere.example/v3/p4" } });
    const message = await manager().retrieve("<1@mg.example.com>");
    expect(sent().map(([method, path]) => [method, path])).toEqual([
      ["GET", "/v3/mg.example.com/events?message-id=1%40mg.example.com&limit=300&ascending=yes"],
      ["GET", "/v3/mg.example.com/events/page2?x=1"],
      ["GET", "/v3/p3"],
    ]);
    expect(message).toMatchObject({ messageId: "<1@mg.example.com>", status: "delivered" });
    expect(message?.events.map(({ eventType }) => eventType)).toEqual(["queued", "deferred", "delivered"]);
    answer({ items: [] });
    expect(await manager().retrieve("<2@mg.example.com>")).toBeUndefined();
  });

  it("finds the domain of a message in its id", async () => {
    answer({ items: [] });
    await manage(mailgun({ apiKey: "made-up", apiUrl: server.url })).retrieve("<1@other.example>");
    expect(server.requests[0]?.path).toMatch(/^\/other\.example\/events\?/);
    const { suppressions } = manage(mailgun({ apiKey: "made-up", apiUrl: server.url }));
    await expect(suppressions.has("a@example.org")).rejects.toThrow('"senderDomain" is required');
  });

  it("lists suppressions of all three lists", async () => {
    const created_at = "Thu, 11 Dec 2025 01:49:40 UTC";
    answer({ items: [{ address: "a@example.org", code: "550", error: "No such mailbox", created_at }] });
    answer({ items: [{ address: "b@example.org", tags: ["*"], created_at }] });
    answer({ items: [{ address: "c@example.org", created_at }] });
    const listed = await all(manager().suppressions.list());
    expect(sent().map(([, path]) => path)).toEqual(
      ["bounces", "unsubscribes", "complaints"].map((list) => `/v3/mg.example.com/${list}?limit=1000`),
    );
    expect(listed.map(({ address, reason, description }) => [address, reason, description])).toEqual([
      ["a@example.org", "bounced", "No such mailbox"],
      ["b@example.org", "unsubscribed", null],
      ["c@example.org", "spam", null],
    ]);
    expect(listed[0]?.createdAt).toEqual(new Date("2025-12-11T01:49:40Z"));
  });

  it("adds, removes and looks up an address", async () => {
    answer({ message: "1 addresses have been added" });
    await manager().suppressions.add("a+b@example.org", { reason: "bounced", description: "asked" });
    for (const status of [404, 200, 404]) answer({ message: "" }, status);
    expect(await manager().suppressions.remove("a+b@example.org")).toBe(true);
    for (const status of [404, 404, 404]) answer({ message: "not found" }, status);
    expect(await manager().suppressions.has("a+b@example.org")).toBe(false);
    expect(sent().slice(0, 3)).toEqual([
      ["POST", "/v3/mg.example.com/bounces", [{ address: "a+b@example.org", error: "asked" }]],
      ["DELETE", "/v3/mg.example.com/bounces/a%2Bb%40example.org", null],
      ["DELETE", "/v3/mg.example.com/unsubscribes/a%2Bb%40example.org", null],
    ]);
    await expect(manager().suppressions.add("a@example.org", { reason: "blocked" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });

  it("counts a removal whose first response was lost", async () => {
    server.script({ kind: "reset-after-request" });
    for (const status of [404, 404, 404]) answer({ message: "not found" }, status);
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    expect(server.requests).toHaveLength(4);
  });
});
