import { ConfigurationError, failover } from "@posthorn/core";
import { memory } from "@posthorn/testing";
import { type FaultSmtp, startFaultSmtp } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { nodemailerBackend, posthornTransport } from "../src/index.js";
import { failure, VERSIONS } from "./kit.js";

const message = {
  from: "Ada <ada@example.com>",
  to: ["grace@example.org"],
  subject: "Subject",
  text: "Text",
};
let server: FaultSmtp;
beforeAll(async () => {
  server = await startFaultSmtp();
});
afterEach(() => server.reset());
afterAll(() => server.close());

describe.each(VERSIONS)("a transporter of Nodemailer %s as a backend", (version, createTransport) => {
  const create = (options: object = {}) =>
    nodemailerBackend(createTransport({ host: server.host, port: server.port, ...options }), {
      retry: false,
    });

  it("sends by SMTP, with a result for each recipient", async () => {
    server.script({ at: "rcpt", recipient: "nobody@", does: "550 5.1.1 No such user" });
    const backend = create();
    const result = await backend.send({
      ...message,
      to: ["grace@example.org", "nobody@example.org"],
      bcc: ["hidden@example.org"],
      html: "<p>x</p>",
      attachments: [{ filename: "a.txt", content: "attached" }],
    });
    expect(result).toMatchObject({
      provider: "Nodemailer (SMTP)",
      recipients: {
        "grace@example.org": { status: "queued", messageId: "1" },
        "nobody@example.org": {
          status: "invalid",
          reason: { code: "5.1.1", message: "550 5.1.1 No such user", retryable: false },
        },
        "hidden@example.org": { status: "queued" },
      },
    });
    expect(server.messages[0]?.to).toEqual(["grace@example.org", "hidden@example.org"]);
    expect(server.messages[0]?.data).not.toContain("hidden@example.org");
    await backend.close();
  });

  it.each([
    ["mail", "reset", "not-sent"],
    ["data", "close", "not-sent"],
    ["end", "reset", "unknown"],
    ["end", "close", "unknown"],
    ["end", "554 5.7.1 Spam", "not-sent"],
    ["mail", "451 4.3.0 Error", "not-sent"],
  ] as const)("tells before the end of the message from after it: %s %s", async (at, does, delivery) => {
    for (const pool of [false, true]) {
      server.reset();
      server.script({ at, does, times: 99 });
      const backend = create({ pool, maxRequeues: 0 });
      const error = await failure(backend.send(message));
      expect(error, `${pool ? "pool" : "single"}: ${error.message}`).toMatchObject({ delivery });
      await backend.close();
    }
  });

  it("is in doubt when it gives up on a transporter that goes on", async () => {
    server.script({ at: "mail", does: "stall" });
    const backend = nodemailerBackend(createTransport({ host: server.host, port: server.port }), {
      retry: false,
      timeout: 200,
    });
    const expected = version === "10" ? "not-sent" : "unknown";
    expect(await failure(backend.send(message))).toMatchObject({ code: "TIMEOUT", delivery: expected });
  });

  it("takes part in a pool, and in turn may carry a transport of ours", async () => {
    const last = memory();
    const pool = failover([create(), nodemailerBackend(createTransport(posthornTransport(last)))]);
    server.script({ at: "mail", does: "554 5.7.1 No", times: 9 });
    const result = await pool.send(message);
    expect(result.provider).toBe("Nodemailer (Posthorn Memory)");
    expect(last.outbox).toHaveLength(1);
  });
});

describe("transports that are not SMTP", () => {
  const [, createTransport] = VERSIONS.at(-1) ?? [];
  if (!createTransport) throw new Error("no version");

  it("get recipients in the header too, and one message however many they are", async () => {
    const seen: { data: Record<string, unknown> }[] = [];
    const transporter = createTransport({
      name: "Own",
      version: "1",
      send: (mail: { data: Record<string, unknown> }, done: (error: null, info: object) => void) => {
        seen.push(mail);
        done(null, { messageId: "<x@y>", response: "" });
      },
    });
    const to = Array.from({ length: 150 }, (_, index) => `r${index}@example.org`);
    const result = await nodemailerBackend(transporter).send({ ...message, to, bcc: ["hidden@example.org"] });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.data["bcc"]).toMatchObject([{ address: "hidden@example.org" }]);
    expect(Object.keys(result.recipients)).toHaveLength(151);
  });

  it("leave doubt about an error that proves nothing", async () => {
    const transporter = (error: object) =>
      createTransport({
        name: "Own",
        version: "1",
        send: (_: unknown, done: (error: object) => void) => done(error),
      });
    const unknown = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    const refused = Object.assign(new Error("connect ECONNREFUSED"), {
      code: "ECONNREFUSED",
      syscall: "connect",
    });
    expect(await failure(nodemailerBackend(transporter(unknown)).send(message))).toMatchObject({
      delivery: "unknown",
      retryable: false,
    });
    expect(
      await failure(nodemailerBackend(transporter(refused), { retry: false }).send(message)),
    ).toMatchObject({ delivery: "not-sent", retryable: true });
  });

  it("refuses what is no transporter", () => {
    expect(() => nodemailerBackend({} as never)).toThrow(ConfigurationError);
  });
});
