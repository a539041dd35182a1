import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailtrap } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = (settings: Parameters<typeof manage>[1] = {}) =>
  manage(mailtrap({ apiToken: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }), settings);
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

describe("manage of mailtrap", () => {
  it("retrieves a message, and says more of one that was not delivered", async () => {
    answer({
      message_id: "m1",
      status: "delivered",
      to: "grace@example.org",
      events: [
        { event_type: "open", created_at: "2025-01-15T10:35:00Z", details: {} },
        { event_type: "delivery", created_at: "2025-01-15T10:30:00Z", details: {} },
      ],
    });
    const message = await manager().retrieve("m1");
    expect(server.requests[0]).toMatchObject({ method: "GET", path: "/email_logs/m1" });
    expect(server.requests[0]?.headers["authorization"]).toBe("Bearer made-up");
    expect(message?.status).toBe("delivered");
    expect(message?.events.map(({ eventType, recipient }) => [eventType, recipient])).toEqual([
      ["delivered", "grace@example.org"],
      ["opened", "grace@example.org"],
    ]);
    const details = { bounce_category: "invalid_recipient", email_service_provider_response: "User unknown" };
    answer({
      status: "not_delivered",
      to: "x@example.org",
      events: [{ event_type: "bounce", created_at: "2025-01-15T10:30:00Z", details }],
    });
    expect(await manager().retrieve("m2")).toMatchObject({
      status: "bounced",
      events: [{ rejectReason: "bounced", description: "invalid_recipient", mtaResponse: "User unknown" }],
    });
    answer({ status: "not_delivered", to: "x@example.org", events: [] });
    expect((await manager().retrieve("m3"))?.status).toBe("failed");
    answer({ error: "Not found" }, 404);
    expect(await manager().retrieve("m4")).toBeUndefined();
  });

  it("lists suppressions over pages of 1,000", async () => {
    const entry = (index: number) => ({
      id: `id-${index}`,
      email: `r${index}@example.org`,
      type: "spam complaint",
      created_at: "2025-01-15T10:30:00Z",
    });
    answer(Array.from({ length: 1000 }, (_, index) => entry(index)));
    answer([entry(1000)]);
    const listed = await all(manager().suppressions.list());
    expect(listed).toHaveLength(1001);
    expect(listed.at(-1)).toMatchObject({ address: "r1000@example.org", reason: "spam" });
    expect(sent().map(([, path]) => path)).toEqual(["/suppressions", "/suppressions?last_id=id-999"]);
  });

  it("fetches a page only when it is needed", async () => {
    answer(
      Array.from({ length: 1000 }, (_, index) => ({ id: `id-${index}`, email: `r${index}@example.org` })),
    );
    for await (const { address } of manager().suppressions.list()) {
      expect(address).toBe("r0@example.org");
      break;
    }
    expect(server.requests).toHaveLength(1);
  });

  it("adds for a domain, and removes by the ids of an address", async () => {
    answer({}, 201);
    await manager({ domainId: 5, sendingStream: "bulk" }).suppressions.add("a@example.org");
    answer([{ id: "u1" }, { id: "u2" }]);
    answer({}, 200);
    answer({}, 404);
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    answer([]);
    expect(await manager().suppressions.has("a@example.org")).toBe(false);
    const find = ["GET", "/suppressions?email=a%40example.org", null];
    expect(sent()).toEqual([
      [
        "POST",
        "/suppressions",
        { email: "a@example.org", domain_id: 5, sending_stream: "bulk", type: "manual import" },
      ],
      find,
      ["DELETE", "/suppressions/u1", null],
      ["DELETE", "/suppressions/u2", null],
      find,
    ]);
    await expect(manager().suppressions.add("a@example.org")).rejects.toThrow('"domainId" is required');
  });

  it("asks the account's own host where Mailtrap's are meant", async () => {
    const urls: string[] = [];
    const fetch = async (url: string) => {
      urls.push(url);
      return Response.json([]);
    };
    await manage(mailtrap({ apiToken: "made-up", fetch: fetch as never })).suppressions.has("a@example.org");
    expect(urls).toEqual(["https://mailtrap.io/api/suppressions?email=a%40example.org"]);
  });
});
