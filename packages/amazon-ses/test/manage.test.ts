import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { amazonSes } from "../src/index.js";
import { manage } from "../src/manage.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const manager = () =>
  manage(
    amazonSes({
      accessKeyId: "AKIAMADEUP",
      secretAccessKey: "made-up",
      region: "eu-west-1",
      apiUrl: server.url,
      retry: { backoffFactor: 0 },
    }),
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

describe("manage of amazon-ses", () => {
  it("retrieves a message's events, signed", async () => {
    answer({
      MessageId: "m 1",
      Insights: [
        {
          Destination: "grace@example.org",
          Events: [
            { Timestamp: 1_700_000_000, Type: "SEND" },
            {
              Timestamp: 1_700_000_060,
              Type: "BOUNCE",
              Details: {
                Bounce: { BounceType: "PERMANENT", BounceSubType: "General", DiagnosticCode: "550 no" },
              },
            },
          ],
        },
      ],
    });
    expect(await manager().retrieve("m 1")).toMatchObject({
      status: "bounced",
      events: [
        { eventType: "sent", timestamp: new Date(1_700_000_000_000) },
        {
          eventType: "bounced",
          recipient: "grace@example.org",
          mtaResponse: "550 no",
          rejectReason: "bounced",
        },
      ],
    });
    expect(server.requests[0]?.path).toBe("/v2/email/insights/m%201");
    expect(server.requests[0]?.headers["authorization"]).toContain("AWS4-HMAC-SHA256");
    answer({ message: "not found" }, 404);
    expect(await manager().retrieve("m2")).toBeUndefined();
  });

  it("lists pages of suppressions, adds, looks up and removes", async () => {
    answer({
      SuppressedDestinationSummaries: [
        { EmailAddress: "a@example.org", Reason: "BOUNCE", LastUpdateTime: 1_700_000_000 },
      ],
      NextToken: "t",
    });
    answer({ SuppressedDestinationSummaries: [{ EmailAddress: "b@example.org", Reason: "COMPLAINT" }] });
    expect(await listed()).toEqual([
      ["a@example.org", "bounced", "2023-11-14T22:13:20.000Z"],
      ["b@example.org", "spam", undefined],
    ]);
    answer({});
    await manager().suppressions.add("a@example.org", { reason: "spam" });
    answer({});
    expect(await manager().suppressions.has("a@example.org")).toBe(true);
    answer({ message: "not found" }, 404);
    expect(await manager().suppressions.remove("a@example.org")).toBe(false);
    const base = "/v2/email/suppression/addresses";
    expect(sent()).toEqual([
      ["GET", `${base}?PageSize=1000`, null],
      ["GET", `${base}?PageSize=1000&NextToken=t`, null],
      ["PUT", base, { EmailAddress: "a@example.org", Reason: "COMPLAINT" }],
      ["GET", `${base}/a%40example.org`, null],
      ["DELETE", `${base}/a%40example.org`, null],
    ]);
  });

  it("tries again after a lost connection, and refuses reasons without a list", async () => {
    server.script({ kind: "reset-after-request" });
    answer({});
    await manager().suppressions.has("grace@example.org");
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await expect(manager().suppressions.add("a@example.org", { reason: "other" })).rejects.toMatchObject({
      name: "UnsupportedFeatureError",
      field: "suppressions.add",
    });
  });
});
