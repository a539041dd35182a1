import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { resend } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () => manage(resend({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
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

describe("manage of resend", () => {
  it("retrieves, cancels and reschedules a message", async () => {
    answer({ id: "m1", last_event: "scheduled", scheduled_at: "2030-01-02T03:04:05Z" });
    expect(await manager().retrieve("m1")).toMatchObject({
      messageId: "m1",
      status: "scheduled",
      sendAt: new Date("2030-01-02T03:04:05Z"),
    });
    answer({ id: "m1" });
    await manager().reschedule("m1", "2031-01-02T03:04:05Z");
    answer({ id: "m1" });
    await manager().cancel("m1");
    expect(sent()).toEqual([
      ["GET", "/emails/m1", null],
      ["PATCH", "/emails/m1", { scheduled_at: "2031-01-02T03:04:05+00:00" }],
      ["POST", "/emails/m1/cancel", null],
    ]);
    for (const call of [manager().cancel("x"), manager().reschedule("x", new Date())]) {
      answer({ name: "not_found", message: "Email not found" }, 404);
      await expect(call).rejects.toMatchObject({ name: "InvalidMessageError", field: "id" });
    }
    answer({ name: "not_found", message: "Email not found" }, 404);
    expect(await manager().retrieve("x")).toBeUndefined();
  });

  it("lists pages of suppressions, adds and removes", async () => {
    answer({
      data: [{ id: "s1", email: "a@example.org", origin: "bounce", created_at: "2026-01-02T03:04:05Z" }],
      has_more: true,
    });
    answer({ data: [{ id: "s2", email: "b@example.org", origin: "complaint" }], has_more: false });
    expect(await listed()).toEqual([
      ["a@example.org", "bounced", "2026-01-02T03:04:05.000Z"],
      ["b@example.org", "spam", undefined],
    ]);
    answer({ id: "s3" });
    await manager().suppressions.add("c@example.org");
    answer({ name: "not_found" }, 404);
    expect(await manager().suppressions.remove("c@example.org")).toBe(false);
    expect(sent()).toEqual([
      ["GET", "/suppressions?limit=100", null],
      ["GET", "/suppressions?limit=100&after=s1", null],
      ["POST", "/suppressions", { email: "c@example.org" }],
      ["DELETE", "/suppressions/c%40example.org", null],
    ]);
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer({ data: [] });
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
