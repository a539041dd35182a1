import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mailersend } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = (settings: Parameters<typeof manage>[1] = {}) =>
  manage(mailersend({ apiToken: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }), settings);
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

describe("manage of mailersend", () => {
  it("retrieves what became of each recipient", async () => {
    const email = (address: string, status: string) => ({
      status,
      recipient: { email: address },
      updated_at: "2026-01-02T03:04:05.000000Z",
    });
    answer({
      data: {
        id: "m1",
        emails: [email("a@example.org", "delivered"), email("b@example.org", "hard_bounced")],
      },
    });
    const message = await manager().retrieve("m1");
    expect(message?.status).toBe("mixed");
    expect(message?.events.map(({ recipient, eventType }) => [recipient, eventType])).toEqual([
      ["a@example.org", "delivered"],
      ["b@example.org", "bounced"],
    ]);
  });

  it("tells of a scheduled message, and of none", async () => {
    answer({ message: "not found" }, 404);
    answer({ data: { message_id: "m1", status: "scheduled", send_at: "2030-01-02T03:04:05.000000Z" } });
    expect(await manager().retrieve("m1")).toMatchObject({
      status: "scheduled",
      sendAt: new Date("2030-01-02T03:04:05Z"),
    });
    answer({ message: "not found" }, 404);
    answer({ message: "not found" }, 404);
    expect(await manager().retrieve("m2")).toBeUndefined();
    expect(sent().map(([, path]) => path)).toEqual([
      "/messages/m1",
      "/message-schedules/m1",
      "/messages/m2",
      "/message-schedules/m2",
    ]);
  });

  it("turns the id of a bulk into those of its messages", async () => {
    answer({ data: { id: "b1", state: "completed", messages_id: ["m1", "m2"], validation_errors: null } });
    expect(await manager().retrieve("bulk:b1")).toMatchObject({
      messageId: "bulk:b1",
      messageIds: ["m1", "m2"],
      status: "sent",
    });
    answer({ data: { id: "b1", state: "queued", messages_id: null } });
    expect(await manager().retrieve("bulk:b1")).toMatchObject({ messageIds: [], status: "queued" });
    expect(server.requests[0]?.path).toBe("/bulk-email/b1");
  });

  it("cancels a scheduled message", async () => {
    answer(undefined, 200);
    await manager().cancel("m1");
    expect(sent()).toEqual([["DELETE", "/message-schedules/m1", null]]);
    answer({ message: "not found" }, 404);
    await expect(manager().cancel("m1")).rejects.toMatchObject({ field: "id" });
  });

  it("lists suppressions of all five lists, by pages", async () => {
    answer({
      data: [{ id: "1", type: "exact", pattern: "a@example.org" }],
      links: { next: "https://x/?page=2" },
    });
    answer({ data: [{ id: "2", type: "pattern", pattern: "*@bad.example" }], links: { next: null } });
    answer({
      data: [
        {
          id: "3",
          reason: "550 unknown",
          created_at: "2026-01-02T03:04:05Z",
          recipient: { email: "c@example.org" },
        },
      ],
      links: {},
    });
    for (let index = 0; index < 3; index++) answer({ data: [], links: {} });
    const listed = await all(manager().suppressions.list());
    expect(listed.map(({ address, reason, description }) => [address, reason, description])).toEqual([
      ["a@example.org", "blocked", null],
      ["*@bad.example", "blocked", null],
      ["c@example.org", "bounced", "550 unknown"],
    ]);
    expect(sent().map(([, path]) => path)).toEqual([
      "/suppressions/blocklist?page=1&limit=100",
      "/suppressions/blocklist?page=2&limit=100",
      ...["hard-bounces", "spam-complaints", "unsubscribes", "on-hold-list"].map(
        (list) => `/suppressions/${list}?page=1&limit=100`,
      ),
    ]);
  });

  it("adds to the list of a reason, and removes by id", async () => {
    answer({}, 201);
    await manager().suppressions.add("a@example.org");
    answer({}, 201);
    await manager({ domainId: "d1" }).suppressions.add("a@example.org", { reason: "unsubscribed" });
    answer({ data: [] });
    answer({ data: [{ id: "3", recipient: { email: "A@example.org" } }] });
    for (let index = 0; index < 3; index++) answer({ data: [] });
    answer({});
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    expect([sent()[0], sent()[1], sent().at(-1)]).toEqual([
      ["POST", "/suppressions/blocklist", { recipients: ["a@example.org"] }],
      ["POST", "/suppressions/unsubscribes", { domain_id: "d1", recipients: ["a@example.org"] }],
      ["DELETE", "/suppressions/hard-bounces", { ids: ["3"] }],
    ]);
    await expect(manager().suppressions.add("a@example.org", { reason: "spam" })).rejects.toThrow(
      '"domainId" is required',
    );
    await expect(manager().suppressions.add("a@example.org", { reason: "invalid" })).rejects.toMatchObject({
      field: "suppressions.add",
    });
  });
});
