import { createServer } from "node:http";
import { inspect } from "node:util";
import {
  type ApiError,
  ConfigurationError,
  failover,
  InvalidMessageError,
  type PosthornError,
  type RecipientsRefusedError,
  type TransportError,
} from "@posthorn/core";
import {
  type FaultSmtp,
  type FaultSmtpOptions,
  startFaultServer,
  startFaultSmtp,
} from "@posthorn/testing/servers";
import { afterEach, describe, expect, it } from "vitest";
import { type SmtpOptions, smtp } from "../src/index.js";
import { failure, message, quickClock } from "./kit.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of open.splice(0)) await close();
});
async function start(options: FaultSmtpOptions = {}): Promise<FaultSmtp> {
  const server = await startFaultSmtp(options);
  open.push(server);
  return server;
}
const create = (server: FaultSmtp, options: SmtpOptions = {}) =>
  smtp({ host: server.host, port: server.port, ...options });

describe("each recipient by its own reply", () => {
  it("is queued, rejected, invalid or failed, with the server's words", async () => {
    const server = await start();
    server.script(
      { at: "rcpt", recipient: "nobody@", does: "550 5.1.1 No such user" },
      { at: "rcpt", recipient: "blocked@", does: "554 5.7.1 Blocked" },
      { at: "rcpt", recipient: "full@", does: "552 5.2.2 Mailbox full" },
    );
    const to = [
      "ok@example.org",
      "nobody@example.org",
      "Blocked <blocked@bücher.example>",
      "full@example.org",
    ];
    const result = await create(server).send({ ...message, to });
    expect(result.status).toBe("mixed");
    expect(result.recipients).toEqual({
      "ok@example.org": { status: "queued", messageId: "1" },
      "nobody@example.org": {
        status: "invalid",
        messageId: null,
        reason: { code: "5.1.1", message: "550 5.1.1 No such user", retryable: false },
      },
      "blocked@bücher.example": {
        status: "rejected",
        messageId: null,
        reason: { code: "5.7.1", message: "554 5.7.1 Blocked", retryable: false },
      },
      "full@example.org": {
        status: "failed",
        messageId: null,
        reason: { code: "5.2.2", message: "552 5.2.2 Mailbox full", retryable: false },
      },
    });
    expect(result.errors).toEqual([]);
    expect(server.messages.map((sent) => sent.to)).toEqual([["ok@example.org"]]);
  });

  it("says so with PIPELINING too", async () => {
    const server = await start({ extensions: ["PIPELINING"] });
    server.script({ at: "rcpt", recipient: "nobody@", does: "550 5.1.1 No such user" });
    const result = await create(server).send({ ...message, to: ["nobody@example.org", "ok@example.org"] });
    expect(result.recipients["nobody@example.org"]?.status).toBe("invalid");
    expect(result.recipients["ok@example.org"]?.status).toBe("queued");
  });

  it("tries only those again that were refused for now", async () => {
    const server = await start();
    server.script({ at: "rcpt", recipient: "busy@", does: "452 4.3.1 Busy" });
    const { clock } = quickClock();
    const to = ["busy@example.org", "ok@example.org"];
    const result = await create(server, { clock }).send({ ...message, to });
    expect(result.status).toBe("queued");
    expect(server.messages.map((sent) => sent.to)).toEqual([["ok@example.org"], ["busy@example.org"]]);
    expect(result.attempts).toMatchObject([
      { class: "status", status: 452, command: "RCPT TO", text: "452 4.3.1 Busy" },
      { status: 250, stopped: "success" },
    ]);
  });

  it("never sends again to those that were accepted, when the second transaction breaks", async () => {
    const server = await start();
    server.script(
      { at: "rcpt", recipient: "busy@", does: "452 4.3.1 Busy" },
      { at: "end", does: "250 2.0.0 Ok" },
      { at: "end", does: "reset" },
    );
    const { clock } = quickClock();
    const result = await create(server, { clock, retry: { total: 3, read: 3 } }).send({
      ...message,
      to: ["busy@example.org", "ok@example.org"],
    });
    const receivers = server.messages.flatMap((sent) => sent.to);
    expect(receivers).not.toContain("ok@example.org");
    expect(result.recipients["ok@example.org"]?.status).toBe("queued");
  });

  it("leaves those refused to the end as failed, with an error that says when to come back", async () => {
    const server = await start({
      faults: [{ at: "rcpt", recipient: "grey@", does: "450 4.7.1 Greylisted, come back later" }],
    });
    const { clock, waits } = quickClock();
    const result = await create(server, { clock }).send({
      ...message,
      to: ["grey@example.org", "ok@example.org"],
    });
    expect(result.recipients["grey@example.org"]).toEqual({
      status: "failed",
      messageId: null,
      reason: { code: "4.7.1", message: "450 4.7.1 Greylisted, come back later", retryable: true },
    });
    expect(result.errors).toHaveLength(1);
    expect(result.errors[0]).toMatchObject({
      name: "ApiError",
      status: 450,
      code: "4.7.1",
      delivery: "not-sent",
      retryable: true,
    });
    const wait = (result.errors[0]?.retryAt?.getTime() ?? 0) - Date.now();
    expect(wait).toBeGreaterThan(200_000);
    // Greylisting wants minutes: no second visit within this send.
    expect(waits).toEqual([]);
    expect(server.messages).toHaveLength(1);
  });

  it("throws when all are refused for good, unless told otherwise", async () => {
    const server = await start({ faults: [{ at: "rcpt", does: "550 5.1.1 No such user" }] });
    const to = ["a@example.org", "b@example.org"];
    const error = await failure<RecipientsRefusedError>(create(server).send({ ...message, to }));
    expect(error).toMatchObject({ name: "RecipientsRefusedError", delivery: "not-sent", retryable: false });
    expect(error.message).toContain("a@example.org (550 5.1.1 No such user)");
    expect(Object.values(error.result.recipients).map(({ status }) => status)).toEqual([
      "invalid",
      "invalid",
    ]);
    const lenient = await create(server, { ignoreRecipientStatus: true }).send({ ...message, to });
    expect(lenient.status).toBe("invalid");
  });

  it("is retryable when one of the refused was refused for now", async () => {
    const server = await start({
      faults: [
        { at: "rcpt", recipient: "a@", does: "550 5.1.1 No such user" },
        { at: "rcpt", recipient: "b@", does: "451 4.3.0 Try later" },
      ],
    });
    const error = await failure<ApiError>(
      create(server, { retry: false }).send({ ...message, to: ["a@example.org", "b@example.org"] }),
    );
    expect(error).toMatchObject({
      name: "ApiError",
      status: 451,
      code: "4.3.0",
      delivery: "not-sent",
      retryable: true,
    });
  });

  it("takes more recipients than the server takes at once", async () => {
    const server = await start({ maxRecipients: 40 });
    const { clock } = quickClock();
    const to = Array.from({ length: 120 }, (_, index) => `r${index}@example.org`);
    const result = await create(server, { clock, retry: 5 }).send({ ...message, to });
    expect(result.status).toBe("queued");
    expect(server.messages.flatMap((sent) => sent.to).sort()).toEqual([...to].sort());
  });
});

describe("retries", () => {
  it("tries replies of 4yz again, and no 5yz", async () => {
    const server = await start();
    const { clock, waits } = quickClock();
    server.script(
      { at: "connect", does: "421 4.3.2 Not now" },
      { at: "mail", does: "451 4.3.0 Error" },
      { at: "end", does: "452 4.3.1 Full" },
    );
    const result = await create(server, { clock }).send(message);
    expect(result.attempts.map(({ status }) => status)).toEqual([421, 451, 452, 250]);
    expect(waits).toEqual([500, 1000, 2000]);
    expect(server.messages).toHaveLength(1);
    server.reset();
    server.script({ at: "end", does: "554 5.7.1 Spam" });
    const error = await failure<ApiError>(create(server, { clock }).send(message));
    expect(error).toMatchObject({ status: 554, code: "5.7.1", retryable: false, delivery: "not-sent" });
    expect(error.attempts).toMatchObject([{ stopped: "not-retryable-status" }]);
    expect(server.connections).toBe(1);
  });

  it("tries a lost connection again before the end of the message, and not after it", async () => {
    const server = await start();
    const { clock } = quickClock();
    server.script({ at: "mail", does: "reset" });
    await create(server, { clock }).send(message);
    expect(server.messages).toHaveLength(1);
    server.reset();
    server.script({ at: "end", does: "reset" });
    const error = await failure<TransportError>(create(server, { clock }).send(message));
    expect(error).toMatchObject({
      name: "TransportError",
      phase: "read",
      delivery: "unknown",
      retryable: false,
    });
    expect(error.attempts).toMatchObject([{ class: "read", stopped: "class-disabled" }]);
    expect(server.contents.length).toBe(1);
  });

  it("stays in doubt once an attempt may have been taken, whatever comes after it", async () => {
    const server = await start();
    const { clock } = quickClock();
    server.script({ at: "end", does: "reset" });
    const onRetry = (): void => server.script({ at: "mail", does: "550 5.7.1 No" });
    const error = await failure<ApiError>(
      create(server, { clock, onRetry, retry: { read: 1 } }).send(message),
    );
    expect(error).toMatchObject({ name: "ApiError", status: 550, delivery: "unknown", retryable: false });
  });

  it("sends the same bytes at each attempt", async () => {
    const server = await start();
    const { clock } = quickClock();
    server.script({ at: "end", does: "451 4.3.0 Error" });
    await create(server, { clock }).send(message);
    expect(server.contents).toHaveLength(2);
    expect(server.contents[0]).toMatch(/^From: Ada <ada@example\.com>/);
    expect(server.contents[1]).toBe(server.contents[0]);
  });

  it("sends no second copy over a pool whose connections the server closes", async () => {
    const server = await start();
    const backend = create(server, { pool: { connections: 2 } });
    for (let index = 0; index < 6; index++) {
      server.script({ at: "accepted", does: index % 2 ? "close" : "reset" });
      await backend.send({ ...message, subject: `S${index}` });
    }
    await backend.close();
    const subjects = server.messages.map(({ data }) => /^Subject: (.*)$/m.exec(data)?.[1]?.trim());
    expect(subjects).toEqual(["S0", "S1", "S2", "S3", "S4", "S5"]);
  });

  it("obeys a rate limit", async () => {
    const server = await start();
    const { clock, waits } = quickClock();
    const backend = create(server, { clock, rateLimit: { requests: 1, per: 5000 } });
    await backend.send(message);
    await backend.send(message);
    expect(waits.at(-1)).toBeGreaterThan(1000);
    expect(server.messages).toHaveLength(2);
  });

  it("tells onRetry and postSend, and says what is known when they throw", async () => {
    const server = await start();
    const { clock } = quickClock();
    const heard: unknown[] = [];
    server.script({ at: "mail", does: "451 4.3.0 Error" });
    await create(server, {
      clock,
      onRetry: ({ attempt }) => void heard.push(attempt.status),
      postSend: (outcome) => void heard.push("result" in outcome),
    }).send(message);
    expect(heard).toEqual([451, true]);
    const thrown = await failure<PosthornError>(
      create(server, {
        postSend: () => {
          throw new Error("mine");
        },
      }).send(message),
    );
    expect(thrown).toMatchObject({ delivery: "accepted", retryable: false });
  });

  it("preSend may change or cancel a message", async () => {
    const server = await start();
    const changed = create(server, { preSend: (given) => ({ ...given, subject: "Changed" }) });
    await changed.send(message);
    expect(server.messages[0]?.data).toContain("Subject: Changed");
    expect((await create(server, { preSend: () => false }).send(message)).status).toBe("cancelled");
    expect(server.messages).toHaveLength(1);
  });
});

describe("time", () => {
  it("bounds an attempt, and the caller may abort; before the end nothing was sent", async () => {
    const server = await start({ faults: [{ at: "data", does: "stall" }] });
    const late = await failure<TransportError>(create(server, { timeout: 150, retry: false }).send(message));
    expect(late).toMatchObject({ code: "TIMEOUT", delivery: "not-sent", retryable: true });
    expect(late.message).toContain("no reply within 150 ms");
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 100);
    const aborted = await failure<TransportError>(
      create(server).send(message, { signal: controller.signal }),
    );
    expect(aborted).toMatchObject({ code: "ABORTED", delivery: "not-sent", retryable: false });
    const before = AbortSignal.abort(new Error("never"));
    expect(await failure(create(server).send(message, { signal: before }))).toMatchObject({
      code: "ABORTED",
      delivery: "not-sent",
    });
  });

  it("leaves doubt after the end", async () => {
    const server = await start({ faults: [{ at: "end", does: "stall" }] });
    for (const pool of [false, true]) {
      const backend = create(server, { timeout: 300, pool });
      expect(await failure(backend.send(message))).toMatchObject({
        code: "TIMEOUT",
        delivery: "unknown",
        retryable: false,
      });
      const controller = new AbortController();
      const sending = failure(backend.send(message, { signal: controller.signal, timeout: 10_000 }));
      const finished = server.contents.length;
      while (server.contents.length === finished) await new Promise((resolve) => setTimeout(resolve, 5));
      controller.abort();
      expect(await sending).toMatchObject({ code: "ABORTED", delivery: "unknown", retryable: false });
      await backend.close();
    }
  });

  it("stops at the deadline of the retries", async () => {
    const server = await start({ faults: [{ at: "mail", does: "451 4.3.0 Error" }] });
    const error = await failure<ApiError>(
      create(server, {
        retry: { total: 5, backoffFactor: 40, backoffMax: 100, jitter: false, deadline: 60 },
      }).send(message),
    );
    expect(error.attempts.at(-1)).toMatchObject({ stopped: "deadline" });
    expect(error).toMatchObject({ status: 451, retryable: true });
  });

  it("leaves no connection open", async () => {
    const server = await start();
    const backend = create(server, { pool: true });
    await Promise.all(Array.from({ length: 12 }, () => backend.send(message)));
    expect(server.connections).toBeLessThanOrEqual(5);
    await backend.close();
    await expect.poll(() => server.openSockets).toBe(0);
    await using again = create(server);
    await again.send(message);
    await expect.poll(() => server.openSockets).toBe(0);
  });
});

describe("pitfalls", () => {
  it("SIZE: what is too large for the server is not sent at all", async () => {
    const server = await start({ size: 1_000_000 });
    const error = await failure<ApiError>(create(server).send({ ...message, text: "x".repeat(2_000_000) }));
    expect(error).toMatchObject({
      name: "ApiError",
      status: 552,
      code: "5.3.4",
      delivery: "not-sent",
      retryable: false,
    });
    expect(server.commands.some((line) => line.startsWith("MAIL"))).toBe(false);
    await create(server).send(message);
    expect(server.messages[0]?.parameters).toMatch(/^SIZE=\d+/);
    const declared = Number(/SIZE=(\d+)/.exec(server.messages[0]?.parameters ?? "")?.[1]);
    expect(declared).toBeGreaterThanOrEqual(server.messages[0]?.data.length ?? 0);
  });

  it("STARTTLS: nothing is sent, no password above all, where an attacker strips it", async () => {
    for (const does of ["502 5.5.1 Not available", "454 4.7.0 TLS not available"] as const) {
      const server = await start({ users: { ada: "made-up-password" }, faults: [{ at: "starttls", does }] });
      const backend = create(server, {
        tls: "required",
        auth: { user: "ada", pass: "made-up-password" },
        retry: false,
      });
      const error = await failure<ApiError>(backend.send(message));
      expect(error).toMatchObject({ name: "ApiError", delivery: "not-sent" });
      expect(error.message).toContain("STARTTLS");
      expect(server.commands.join("\n")).not.toMatch(/AUTH|MAIL/);
    }
  });

  it("STARTTLS: what a man in the middle injects before the handshake is not taken for the server's word", async () => {
    const server = await start({
      faults: [{ at: "starttls", does: "220 2.0.0 Go ahead\n250 2.0.0 Injected" as "220 x" }],
    });
    const error = await failure(
      create(server, { tls: "required", timeout: 500, retry: false }).send(message),
    );
    expect(error).toMatchObject({ delivery: "not-sent" });
    expect(server.messages).toEqual([]);
  });

  it("loopback: upgrades where offered, whoever signed the certificate", async () => {
    const server = await start({ tls: "starttls" });
    await create(server).send(message);
    expect(server.messages).toMatchObject([{ secure: true }]);
    const plain = await start();
    await create(plain).send(message);
    expect(plain.messages).toMatchObject([{ secure: false }]);
  });

  it("535 and 530 say which option is wrong", async () => {
    const server = await start({
      users: { ada: "made-up-password" },
      faults: [{ at: "mail", does: "530 5.7.0 Authentication required" }],
    });
    const wrong = await failure(
      create(server, { auth: { user: "ada", pass: "made-up-wrong" }, retry: false }).send(message),
    );
    expect(wrong.message).toMatch(/535 5\.7\.8 .*check option "auth"/);
    const none = await failure(create(server, { retry: false }).send(message));
    expect(none.message).toMatch(/530 5\.7\.0 .*pass option "auth"/);
  });

  it("OAuth2: a function is asked again when the server refuses the token; a bad one is not sent", async () => {
    const server = await start({ users: { ada: "made-up-token" } });
    const given = ["made-up-expired", "made-up-token"];
    await create(server, { auth: { user: "ada", accessToken: () => given.shift() ?? "" } }).send(message);
    expect(server.messages).toMatchObject([{ user: "ada" }]);
    const refused = await failure(
      create(server, { auth: { user: "ada", accessToken: "made-up-wrong" }, retry: false }).send(message),
    );
    expect(refused).toMatchObject({ name: "ApiError", status: 535, delivery: "not-sent" });
    const broken = create(server, {
      retry: false,
      auth: {
        user: "ada",
        accessToken: () => {
          throw new Error("no network");
        },
      },
    });
    expect(await failure(broken.send(message))).toMatchObject({
      name: "TransportError",
      phase: "connect",
      delivery: "not-sent",
      retryable: true,
    });
  });

  it("OAuth2: an expired refresh token reads 'sign in again'", async () => {
    const server = await start({ users: { ada: "made-up-token" } });
    let answer = {
      status: 400,
      body: '{"error":"invalid_grant","error_description":"Token has been expired or revoked."}',
    };
    const endpoint = createServer((request, response) => {
      request.resume();
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
    });
    await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
    open.push({ close: () => new Promise((resolve) => endpoint.close(() => resolve())) });
    const { port } = endpoint.address() as { port: number };
    const oauth2 = {
      clientId: "made-up-id",
      clientSecret: "made-up-client-secret",
      refreshToken: "made-up-refresh",
      accessUrl: `http://127.0.0.1:${port}/token`,
    };
    const backend = create(server, { auth: { user: "ada", oauth2 }, retry: false });
    const error = await failure(backend.send(message));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ delivery: "not-sent", retryable: false });
    expect(error.message).toContain("sign in again");
    expect(inspect(error, { depth: 9 })).not.toMatch(/made-up-(client-secret|refresh)/);
    answer = { status: 200, body: '{"access_token":"made-up-token","expires_in":3600}' };
    await create(server, { auth: { user: "ada", oauth2 } }).send(message);
    expect(server.messages).toMatchObject([{ user: "ada" }]);
  });

  it("DSN: the envelope id is the Message-ID", async () => {
    const server = await start({ extensions: ["DSN"] });
    await create(server, { dsn: { notify: ["failure", "delay"], return: "headers" } }).send({
      ...message,
      headers: { "Message-ID": "<m1@example.com>" },
    });
    expect(server.messages[0]?.parameters).toMatch(/RET=HDRS ENVID=m1@example\.com/);
    expect(server.messages[0]?.recipientParameters).toEqual(["NOTIFY=FAILURE,DELAY"]);
  });
});

describe("injection", () => {
  it("lets no line break into a header, a command or a name", async () => {
    const server = await start();
    const evil = "x\r\nBcc: victim@example.org";
    const injections: readonly Record<string, unknown>[] = [
      { subject: evil },
      { from: `${evil} <a@example.com>` },
      { from: { name: evil, email: "a@example.com" } },
      { to: [`a@example.com>\r\nRCPT TO:<victim@example.org`] },
      { to: [{ email: "a@example.com> NOTIFY=NEVER", name: "" }] },
      { envelopeSender: `a@example.com${evil}` },
      { headers: { "X-A": evil } },
      { headers: { [evil]: "x" } },
      { headers: { "Message-ID": evil } },
      { mergeHeaders: { "grace@example.org": { "X-A": evil } } },
      { attachments: [{ filename: evil, content: "" }] },
      { attachments: [{ content: "", contentType: evil }] },
      { attachments: [{ content: "", contentId: evil }] },
      { alternatives: [{ content: "x", contentType: evil }] },
    ];
    for (const injection of injections) {
      const error = await failure(create(server).send({ ...message, ...injection } as never));
      expect(error, JSON.stringify(injection)).toBeInstanceOf(InvalidMessageError);
    }
    expect(server.connections).toBe(0);
  });

  it("stuffs dots, so that a body cannot end the message and begin another", async () => {
    const server = await start();
    const smuggled = "Hi\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nx";
    for (const text of [smuggled, smuggled.replaceAll("\r\n", "\n"), smuggled.replaceAll("\r\n", "\r")])
      await create(server).send({ ...message, text });
    expect(server.messages).toHaveLength(3);
    expect(server.messages.every((sent) => sent.to.join() === "grace@example.org")).toBe(true);
  });
});

describe("secrets", () => {
  it("show in no error, debug line or dry run, even when the server echoes them", async () => {
    const pass = "made-up-password";
    const server = await start({ users: { ada: "another" } });
    const encoded = Buffer.from(`\0ada\0${pass}`).toString("base64");
    server.script({ at: "auth", does: `535 5.7.8 Bad: ${pass} ${encoded}` });
    const lines: string[] = [];
    const backend = create(server, {
      auth: { user: "ada", pass },
      debug: (line) => void lines.push(line),
      retry: false,
    });
    const error = await failure(backend.send(message));
    const dry = await backend.dryRun(message);
    for (const value of [error, dry, lines]) {
      const text = inspect(value, { depth: 12, showHidden: true }) + JSON.stringify(value);
      expect(text).not.toContain(pass);
      expect(text).not.toContain(encoded);
      expect(text).not.toContain(btoa(pass));
    }
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.join("\n")).toContain("EHLO");
  });
});

describe("a dry run", () => {
  it("shows each envelope and the message as it would go, and connects to nothing", async () => {
    const server = await start();
    const [request, ...others] = await create(server).dryRun({ ...message, bcc: ["secret@example.org"] });
    expect(others).toEqual([]);
    expect(request).toMatchObject({
      method: "SMTP",
      url: server.url,
      payload: { json: { from: "ada@example.com", to: ["grace@example.org", "secret@example.org"] } },
    });
    expect(request?.body).toMatch(
      /^From: Ada <ada@example\.com>\r\nTo: grace@example\.org\r\nSubject: Subject\r\n/,
    );
    expect(request?.body).not.toContain("secret@example.org");
    expect(server.connections).toBe(0);
  });
});

describe("as the last resort of a pool, behind an API", () => {
  it("takes over only what the API is known not to have sent, and says what is in doubt", async () => {
    const server = await start();
    const api = await startFaultServer();
    open.push(api);
    const { mailgun } = await import("@posthorn/mailgun");
    const first = mailgun({
      apiKey: "made-up-key",
      senderDomain: "example.com",
      apiUrl: api.url,
      retry: false,
    });
    const pool = failover([first, create(server, { retry: false })], { breaker: false });
    api.script({ kind: "answer", status: 401, body: '{"message":"no"}' });
    const taken = await pool.send(message);
    expect(taken.provider).toBe("SMTP");
    expect(taken.route.map(({ outcome }) => outcome)).toEqual(["failed", "accepted"]);
    api.script({ kind: "reset-after-request" });
    expect(await failure(pool.send(message))).toMatchObject({ delivery: "unknown" });
    expect(server.messages).toHaveLength(1);
    // A field that SMTP would drop is no reason to send without it.
    api.script({ kind: "answer", status: 401, body: '{"message":"no"}' });
    const tagged = await failure<PosthornError & { route: { outcome: string }[] }>(
      // @ts-expect-error SMTP has no tags
      pool.send({ ...message, tags: ["welcome"] }),
    );
    expect(tagged.route.map(({ outcome }) => outcome)).toEqual(["failed", "unsupported"]);
    expect(tagged.delivery).toBe("not-sent");
    // And SMTP's own doubt goes no further.
    server.script({ at: "end", does: "reset" });
    const reversed = failover([create(server, { retry: false }), first], { breaker: false });
    const before = api.requests.length;
    expect(await failure(reversed.send(message))).toMatchObject({ delivery: "unknown" });
    expect(api.requests.length).toBe(before);
  });
});

describe("many messages", () => {
  it("go over a few connections, outcomes in order, one failure ending none of the others", async () => {
    const server = await start({
      faults: [{ at: "rcpt", recipient: "r7@", does: "550 5.1.1 No such user" }],
    });
    await using backend = create(server, { pool: { connections: 3 } });
    const messages = Array.from({ length: 20 }, (_, index) => ({
      ...message,
      to: [`r${index}@example.org`],
    }));
    const outcomes: boolean[] = [];
    for await (const { ok } of backend.sendMany(messages)) outcomes.push(ok);
    expect(outcomes).toEqual(messages.map((_, index) => index !== 7));
    expect(server.messages).toHaveLength(19);
    expect(server.connections).toBeLessThanOrEqual(3);
    const reasons = (
      await failure<RecipientsRefusedError>(backend.send({ ...message, to: ["r7@example.org"] }))
    ).result.recipients;
    expect(reasons["r7@example.org"]?.reason?.message).toBe("550 5.1.1 No such user");
  });
});
