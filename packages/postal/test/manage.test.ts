import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { postal } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () => manage(postal({ apiKey: "made-up", apiUrl: server.url, retry: { backoffFactor: 0 } }));
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

describe("manage of postal", () => {
  it("retrieves a message with its deliveries", async () => {
    answer({
      status: "success",
      data: { id: 7, token: "abc", status: { status: "Sent" }, details: { rcpt_to: "grace@example.org" } },
    });
    answer({
      status: "success",
      data: [
        { id: 2, status: "Sent", details: "accepted", output: "250 2.0.0 OK", timestamp: 1_700_000_100.5 },
        { id: 1, status: "SoftFail", details: "try later", output: "", timestamp: 1_700_000_000 },
      ],
    });
    const message = await manager().retrieve(7);
    expect(sent()).toEqual([
      ["POST", "/api/v1/messages/message", { id: "7", _expansions: ["status", "details"] }],
      ["POST", "/api/v1/messages/deliveries", { id: "7" }],
    ]);
    expect(server.requests[0]?.headers["x-server-api-key"]).toBe("made-up");
    expect(message).toMatchObject({ messageId: 7, messageIds: [7], status: "delivered" });
    expect(
      message?.events.map(({ eventType, recipient, timestamp, mtaResponse }) => [
        eventType,
        recipient,
        timestamp?.getTime(),
        mtaResponse,
      ]),
    ).toEqual([
      ["deferred", "grace@example.org", 1_700_000_000_000, null],
      ["delivered", "grace@example.org", 1_700_000_100_500, "250 2.0.0 OK"],
    ]);
  });

  it("knows an id that is not there from an error, both of them responses of 200", async () => {
    answer({ status: "error", data: { code: "MessageNotFound", message: "No message found" } });
    expect(await manager().retrieve(8)).toBeUndefined();
    answer({ status: "error", data: { code: "AccessDenied", message: "not allowed with made-up" } });
    const error = await manager()
      .retrieve(8)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ApiError", code: "AccessDenied" });
    expect(String(error) + JSON.stringify(error)).not.toContain("made-up");
  });

  it("refuses what Postal lacks, in types and at run time", async () => {
    const { cancel, reschedule, suppressions } = manager();
    // @ts-expect-error Postal cannot cancel
    await expect(cancel(7)).rejects.toMatchObject({ name: "UnsupportedFeatureError", field: "cancel" });
    // @ts-expect-error Postal cannot reschedule
    await expect(reschedule(7, new Date())).rejects.toMatchObject({ field: "reschedule" });
    // @ts-expect-error Postal's suppressions are out of reach
    await expect(suppressions.has("a@example.org")).rejects.toMatchObject({ field: "suppressions.has" });
    // @ts-expect-error Postal's suppressions are out of reach
    await expect(all(suppressions.list({}))).rejects.toMatchObject({ field: "suppressions.list" });
    expect(server.requests).toEqual([]);
  });
});
