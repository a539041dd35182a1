import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sparkpost } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(sparkpost({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
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

describe("manage of sparkpost", () => {
  it("retrieves a message's events, and cancels a campaign", async () => {
    answer({
      results: [
        { type: "delivery", timestamp: "2026-01-02T03:04:06Z", rcpt_to: "grace@example.org" },
        { type: "injection", timestamp: "2026-01-02T03:04:05Z", rcpt_to: "grace@example.org" },
        { type: "bounce", timestamp: "2026-01-02T03:04:05Z", rcpt_to: "b@example.org", raw_reason: "550 no" },
      ],
    });
    const message = await manager().retrieve("t1");
    expect(message).toMatchObject({ messageId: "t1", status: "mixed" });
    expect(message?.events).toHaveLength(3);
    answer({ results: [] });
    expect(await manager().retrieve("t2")).toBeUndefined();
    answer(undefined, 204);
    await manager().cancel("a campaign");
    expect(sent()).toEqual([
      ["GET", "/events/message?transmissions=t1&per_page=1000", null],
      ["GET", "/events/message?transmissions=t2&per_page=1000", null],
      ["DELETE", "/transmissions?campaign_id=a+campaign", null],
    ]);
  });

  it("lists pages of suppressions, adds, looks up and removes", async () => {
    answer({
      results: [{ recipient: "a@example.org", source: "Bounce Rule", created: "2026-01-02T03:04:05Z" }],
      links: [{ rel: "next", href: "/api/v1/suppression-list?cursor=WycyM&per_page=1000" }],
    });
    answer({ results: [{ recipient: "b@example.org", source: "Spam Complaint" }], links: [] });
    expect(await listed()).toEqual([
      ["a@example.org", "bounced", "2026-01-02T03:04:05.000Z"],
      ["b@example.org", "spam", undefined],
    ]);
    answer({ results: { message: "Suppression List successfully updated" } });
    await manager().suppressions.add("c@example.org", { description: "asked by phone" });
    answer({ errors: [{ message: "Recipient could not be found" }] }, 404);
    expect(await manager().suppressions.has("c@example.org")).toBe(false);
    answer(undefined, 204);
    expect(await manager().suppressions.remove("c@example.org")).toBe(true);
    const entry = { recipient: "c@example.org", description: "asked by phone" };
    expect(sent()).toEqual([
      ["GET", "/suppression-list?cursor=initial&per_page=1000", null],
      ["GET", "/suppression-list?cursor=WycyM&per_page=1000", null],
      [
        "PUT",
        "/suppression-list",
        { recipients: ["transactional", "non_transactional"].map((type) => ({ ...entry, type })) },
      ],
      ["GET", "/suppression-list/c%40example.org", null],
      ["DELETE", "/suppression-list/c%40example.org", null],
    ]);
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer({ results: [] });
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
