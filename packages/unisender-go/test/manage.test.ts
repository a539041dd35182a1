import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { unisenderGo } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(unisenderGo({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
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

describe("manage of unisender-go", () => {
  it("lists pages of suppressions, adds, looks up and removes", async () => {
    answer({
      suppressions: [
        { email: "a@example.org", cause: "permanent_unavailable", created: "2026-01-02 03:04:05" },
      ],
      cursor: "c1",
    });
    answer({ suppressions: [{ email: "b@example.org", cause: "complained" }], cursor: "" });
    expect(await listed()).toEqual([
      ["a@example.org", "bounced", "2026-01-02T03:04:05.000Z"],
      ["b@example.org", "spam", undefined],
    ]);
    answer({ status: "success" });
    await manager().suppressions.add("c@example.org", { reason: "unsubscribed" });
    answer({ email: "c@example.org", suppressions: [{ cause: "unsubscribed" }] });
    answer({ status: "success" });
    expect(await manager().suppressions.remove("c@example.org")).toBe(true);
    answer({ email: "c@example.org", suppressions: [] });
    expect(await manager().suppressions.remove("c@example.org")).toBe(false);
    expect(sent().slice(0, 5)).toEqual([
      ["POST", "/suppression/list.json", { limit: 50 }],
      ["POST", "/suppression/list.json", { limit: 50, cursor: "c1" }],
      ["POST", "/suppression/set.json", { email: "c@example.org", cause: "unsubscribed" }],
      ["POST", "/suppression/get.json", { email: "c@example.org" }],
      ["POST", "/suppression/delete.json", { email: "c@example.org" }],
    ]);
  });

  it("knows no messages", async () => {
    await expect(manager().retrieve("x" as never)).rejects.toMatchObject({ name: "UnsupportedFeatureError" });
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer({ suppressions: [] });
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
