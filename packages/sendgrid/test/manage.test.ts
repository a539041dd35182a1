import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sendgrid } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(sendgrid({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
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

describe("manage of sendgrid", () => {
  it("retrieves a message by SendGrid's id, and cancels a batch", async () => {
    answer({
      sg_message_id: "m1.recvd",
      to_email: "grace@example.org",
      status: "blocked",
      events: [{ event: "bounce", timestamp: "2026-01-02T03:04:05Z", reason: "550 blocked" }],
    });
    expect(await manager().retrieve("m1.recvd")).toMatchObject({
      status: "bounced",
      events: [{ eventType: "bounced", recipient: "grace@example.org", description: "550 blocked" }],
    });
    answer({ batch_id: "b1", status: "cancel" }, 201);
    await manager().cancel("b1");
    expect(sent()).toEqual([
      ["GET", "/logs/m1.recvd", null],
      ["POST", "/user/scheduled_sends", { batch_id: "b1", status: "cancel" }],
    ]);
    answer({ errors: [{ message: "not found" }] }, 404);
    expect(await manager().retrieve("x")).toBeUndefined();
  });

  it("lists all suppressions, adds to the global one, and removes from each", async () => {
    answer([{ email: "a@example.org", created: 1_700_000_000, reason: "550" }]);
    for (let list = 0; list < 4; list++) answer([]);
    expect(await listed()).toEqual([["a@example.org", "bounced", "2023-11-14T22:13:20.000Z"]]);
    expect(sent().map(([, path]) => path)).toEqual(
      ["bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes"].map(
        (list) => `/suppression/${list}?limit=500&offset=0`,
      ),
    );
    server.reset();
    answer({ recipient_emails: ["a@example.org"] }, 201);
    await manager().suppressions.add("a@example.org");
    answer([{ email: "a@example.org" }]);
    answer(undefined, 204);
    for (let list = 0; list < 3; list++) answer([]);
    answer({});
    expect(await manager().suppressions.remove("a@example.org")).toBe(true);
    expect(sent().slice(0, 3)).toEqual([
      ["POST", "/asm/suppressions/global", { recipient_emails: ["a@example.org"] }],
      ["GET", "/suppression/bounces/a%40example.org", null],
      ["DELETE", "/suppression/bounces/a%40example.org", null],
    ]);
    expect(sent().at(-1)).toEqual(["GET", "/asm/suppressions/global/a%40example.org", null]);
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer([{ email: "grace@example.org" }]);
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
