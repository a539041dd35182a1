import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { brevo } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () => manage(brevo({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
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

describe("manage of brevo", () => {
  const id = "<202601020304.1@smtp-relay.mailin.fr>";
  const encoded = encodeURIComponent(id);

  it("retrieves the events of a message", async () => {
    const event = (name: string, date: string, more: object = {}) => ({
      email: "grace@example.org",
      date,
      messageId: id,
      event: name,
      ...more,
    });
    answer({
      events: [
        event("hardBounces", "2026-01-02T03:04:07.000+00:00", { reason: "550 no such user" }),
        event("requests", "2026-01-02T03:04:05.000+00:00"),
      ],
    });
    const message = await manager().retrieve(id);
    expect(new URL(server.requests[0]?.path ?? "", server.url).searchParams.get("messageId")).toBe(id);
    expect(message?.status).toBe("bounced");
    expect(message?.events.map(({ eventType, description }) => [eventType, description])).toEqual([
      ["queued", null],
      ["bounced", "550 no such user"],
    ]);
  });

  it("tells of a scheduled message, and of none", async () => {
    answer({});
    answer({ scheduledAt: "2030-01-02T03:04:05.000Z", createdAt: "2026-01-02T03:04:05Z", status: "queued" });
    expect(await manager().retrieve(id)).toMatchObject({
      status: "scheduled",
      sendAt: new Date("2030-01-02T03:04:05Z"),
    });
    expect(server.requests[1]?.path).toBe(`/smtp/emailStatus/${encoded}`);
    answer({});
    answer({ code: "document_not_found", message: "no such message" }, 404);
    expect(await manager().retrieve(id)).toBeUndefined();
  });

  it("cancels a scheduled message", async () => {
    answer(undefined, 204);
    await manager().cancel(id);
    expect(sent()).toEqual([["DELETE", `/smtp/email/${encoded}`, null]]);
    answer({ code: "document_not_found" }, 404);
    await expect(manager().cancel(id)).rejects.toMatchObject({ name: "InvalidMessageError", field: "id" });
    // The first attempt was carried out, its response lost.
    server.script({ kind: "reset-after-request" });
    answer({ code: "document_not_found" }, 404);
    await manager().cancel(id);
  });

  it("lists blocked contacts by pages, removes one and looks one up", async () => {
    const contact = (index: number) => ({
      email: `r${index}@example.org`,
      senderEmail: "ada@example.com",
      reason: { code: index % 2 ? "hardBounce" : "unsubscribedViaApi", message: "why" },
      blockedAt: "2026-01-02T03:04:05Z",
    });
    answer({ count: 101, contacts: Array.from({ length: 100 }, (_, index) => contact(index)) });
    answer({ count: 101, contacts: [contact(100)] });
    const listed = await all(manager().suppressions.list());
    expect(listed).toHaveLength(101);
    expect(listed[1]).toMatchObject({
      address: "r1@example.org",
      reason: "bounced",
      description: "why",
      createdAt: new Date("2026-01-02T03:04:05Z"),
    });
    answer(undefined, 204);
    expect(await manager().suppressions.remove("r1@example.org")).toBe(true);
    answer({ code: "document_not_found" }, 404);
    expect(await manager().suppressions.remove("r1@example.org")).toBe(false);
    answer({ contacts: [contact(1)] });
    expect(await manager().suppressions.has("R1@example.org")).toBe(true);
    expect(sent().map(([method, path]) => `${method} ${path}`)).toEqual([
      "GET /smtp/blockedContacts?limit=100&offset=0",
      "GET /smtp/blockedContacts?limit=100&offset=100",
      "DELETE /smtp/blockedContacts/r1%40example.org",
      "DELETE /smtp/blockedContacts/r1%40example.org",
      "GET /smtp/blockedContacts?limit=100&offset=0",
    ]);
  });

  it("refuses what Brevo lacks, in types and at run time", async () => {
    // @ts-expect-error Brevo cannot reschedule
    await expect(manager().reschedule(id, new Date())).rejects.toMatchObject({ field: "reschedule" });
    // @ts-expect-error Brevo blocks contacts, not addresses
    await expect(manager().suppressions.add("a@example.org")).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      provider: "Brevo",
    });
  });
});
