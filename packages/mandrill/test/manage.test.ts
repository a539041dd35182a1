import { ApiError, ConfigurationError, InvalidMessageError } from "@posthorn/core";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mandrill } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(mandrill({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
const answer = (body: unknown, status = 200): void =>
  server.script({ kind: "answer", status, body: JSON.stringify(body) });
const sent = (index = 0) => {
  const { method, path, body } = server.requests[index] ?? {};
  return [method, path, JSON.parse(body?.toString() || "null")];
};
const unknownMessage = {
  status: "error",
  code: 1,
  name: "Unknown_Message",
  message: 'No message exists with the id "x"',
};

describe("manage of mandrill", () => {
  it("retrieves a message with its events, and undefined for one that is not there", async () => {
    answer({
      ts: 1_365_190_000,
      _id: "abc",
      state: "sent",
      email: "grace@example.org",
      opens_detail: [{ ts: 1_365_190_020, ip: "192.0.2.1" }],
      clicks_detail: [{ ts: 1_365_190_030, url: "https://example.com/" }],
      smtp_events: [{ ts: 1_365_190_010, type: "sent", diag: "250 OK" }],
    });
    const message = await manager().retrieve("abc");
    expect(sent()).toEqual(["POST", "/messages/info.json", { key: "made-up", id: "abc" }]);
    expect(message).toMatchObject({ messageId: "abc", messageIds: ["abc"], status: "sent" });
    expect(
      message?.events.map(({ eventType, recipient, timestamp }) => [
        eventType,
        recipient,
        timestamp?.getTime(),
      ]),
    ).toEqual([
      ["delivered", "grace@example.org", 1_365_190_010_000],
      ["opened", "grace@example.org", 1_365_190_020_000],
      ["clicked", "grace@example.org", 1_365_190_030_000],
    ]);
    answer(unknownMessage, 500);
    expect(await manager().retrieve("x")).toBeUndefined();
  });

  it("cancels and reschedules a scheduled message, and says when it cannot", async () => {
    answer({ _id: "abc" });
    await manager().cancel("abc");
    answer({ _id: "abc" });
    await manager().reschedule("abc", "2030-01-02T03:04:05+02:00");
    expect([sent(0), sent(1)]).toEqual([
      ["POST", "/messages/cancel-scheduled.json", { key: "made-up", id: "abc" }],
      ["POST", "/messages/reschedule.json", { key: "made-up", id: "abc", send_at: "2030-01-02 01:04:05" }],
    ]);
    answer(unknownMessage, 500);
    await expect(manager().cancel("x")).rejects.toMatchObject({ name: "InvalidMessageError", field: "id" });
    answer({ status: "error", code: -1, name: "Invalid_Key", message: "Invalid API key made-up" }, 500);
    const error = await manager()
      .cancel("x")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ApiError", code: "Invalid_Key" });
    expect(JSON.stringify(error) + String(error)).not.toContain("made-up");
  });

  it("lists, adds, removes and looks up suppressions", async () => {
    answer([
      {
        email: "a@example.org",
        reason: "hard-bounce",
        detail: "550 no such user",
        created_at: "2026-01-02 03:04:05",
      },
      { email: "b@example.org", reason: "new-word" },
    ]);
    const listed = [];
    for await (const entry of manager().suppressions.list()) listed.push(entry);
    expect(listed).toEqual([
      expect.objectContaining({
        address: "a@example.org",
        reason: "bounced",
        description: "550 no such user",
        createdAt: new Date("2026-01-02T03:04:05Z"),
      }),
      expect.objectContaining({
        address: "b@example.org",
        reason: "other",
        createdAt: null,
        description: null,
      }),
    ]);
    answer({ email: "a@example.org", added: true });
    await manager().suppressions.add("Ada <a@example.org>", { description: "asked by phone" });
    answer({ email: "a@example.org", deleted: true });
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    answer({ status: "error", code: 12, name: "Invalid_Reject", message: "not found" }, 500);
    expect(await manager().suppressions.remove("a@example.org")).toBe(false);
    answer([]);
    expect(await manager().suppressions.has("a@example.org")).toBe(false);
    expect([1, 2, 4].map((index) => sent(index).slice(1))).toEqual([
      ["/rejects/add.json", { key: "made-up", email: "a@example.org", comment: "asked by phone" }],
      ["/rejects/delete.json", { key: "made-up", email: "a@example.org" }],
      ["/rejects/list.json", { key: "made-up", email: "a@example.org", include_expired: false }],
    ]);
  });

  it("tries again by the session's policy, also after a connection that was lost", async () => {
    server.script({ kind: "reset-after-request" }, { kind: "answer", status: 503 });
    answer({ email: "a@example.org", deleted: true });
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    expect(server.requests).toHaveLength(3);
  });

  it("refuses what is no id, no moment, no address and no backend of Mandrill's", async () => {
    await expect(manager().retrieve("")).rejects.toThrow(InvalidMessageError);
    await expect(manager().reschedule("abc", "tomorrow" as never)).rejects.toMatchObject({ field: "when" });
    await expect(manager().suppressions.has("nobody")).rejects.toMatchObject({ field: "address" });
    await expect(manager().suppressions.add("a@example.org", { reason: "spam" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
    expect(() => manage({ provider: "Mandrill" } as never)).toThrow(ConfigurationError);
    expect(server.requests).toEqual([]);
  });

  it("reports a response that cannot be read", async () => {
    server.script({ kind: "answer", status: 200, body: "<html>" });
    await expect(manager().retrieve("abc")).rejects.toThrow(ApiError);
  });
});
