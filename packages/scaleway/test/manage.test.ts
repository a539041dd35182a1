import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { scaleway } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(
    scaleway({ secretKey: "made-up", projectId: "p1", apiUrl: server.url, retry: { backoffFactor: 0 } }),
  );
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

describe("manage of scaleway", () => {
  it("retrieves and cancels a message, in the backend's region", async () => {
    answer({
      id: "m1",
      status: "failed",
      mail_rcpt: "grace@example.org",
      last_tries: [{ rank: 1, tried_at: "2026-01-02T03:04:05Z", code: 550, message: "no such user" }],
    });
    const apiUrl = `${server.url}/regions/{region}`;
    const backend = scaleway({ secretKey: "made-up", projectId: "p1", region: "nl-ams", apiUrl });
    expect(await manage(backend).retrieve("m1")).toMatchObject({
      status: "failed",
      events: [{ eventType: "bounced", recipient: "grace@example.org", mtaResponse: "550 no such user" }],
    });
    answer({ id: "m1", status: "canceled" });
    await manage(backend).cancel("m1");
    expect(sent()).toEqual([
      ["GET", "/regions/nl-ams/emails/m1", null],
      ["POST", "/regions/nl-ams/emails/m1/cancel", {}],
    ]);
    answer({ type: "not_found" }, 404);
    await expect(manager().cancel("x")).rejects.toMatchObject({ name: "InvalidMessageError" });
  });

  it("lists, adds, looks up and removes blocked addresses", async () => {
    const entry = {
      id: "b1",
      email: "a@example.org",
      type: "mailbox_not_found",
      created_at: "2026-01-02T03:04:05Z",
    };
    answer({ blocklists: [entry], total_count: 101 });
    answer({ blocklists: [{ id: "b2", email: "b@example.org", custom: true }], total_count: 101 });
    expect(await listed()).toEqual([
      ["a@example.org", "bounced", "2026-01-02T03:04:05.000Z"],
      ["b@example.org", "blocked", undefined],
    ]);
    answer({ domains: [{ id: "d1" }], total_count: 1 });
    answer({ blocklists: [] });
    await manager().suppressions.add("c@example.org", { description: "asked by phone" });
    answer({ blocklists: [entry], total_count: 1 });
    answer(undefined, 204);
    expect(await manager().suppressions.remove("A@example.org")).toBe(true);
    expect(sent()).toEqual([
      ["GET", "/blocklists?project_id=p1&page=1&page_size=100", null],
      ["GET", "/blocklists?project_id=p1&page=2&page_size=100", null],
      ["GET", "/domains?project_id=p1&page=1&page_size=100", null],
      [
        "POST",
        "/blocklists",
        { domain_id: "d1", emails: ["c@example.org"], type: "mailbox_not_found", reason: "asked by phone" },
      ],
      ["GET", "/blocklists?project_id=p1&email=A%40example.org&page=1&page_size=100", null],
      ["DELETE", "/blocklists/b1", null],
    ]);
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer({ blocklists: [], total_count: 0 });
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
