import { createPublicKey, createVerify, generateKeyPairSync } from "node:crypto";
import { InvalidMessageError, UnsupportedFeatureError } from "@posthorn/core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type SmtpOptions, smtp } from "../src/index.js";
import { failure, message } from "./kit.js";
import { type Received, startServer, TLS } from "./server.js";

let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer();
});
afterEach(() => server.received.splice(0));
afterAll(() => server.close());

const create = (options: SmtpOptions = {}) => smtp({ host: "127.0.0.1", port: server.port, ...options });
const only = (): Received => {
  const [received, ...others] = server.received;
  if (!received || others.length > 0) throw new Error(`${server.received.length} messages were received`);
  return received;
};
/** Header lines of a name, unfolded. */
const headers = (raw: string, name: string): string[] =>
  (raw.split("\r\n\r\n")[0] ?? "")
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n")
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));

describe("a message, as smtp-server receives it and mailparser reads it", () => {
  it("has every field that SMTP can carry", async () => {
    const result = await create().send({
      from: "Ada Lovelace <ada@example.com>",
      to: ["Grace <grace@example.org>", { email: "b@example.org", name: 'Quote "Q" Ä' }],
      cc: ["Carbon <cc@example.org>"],
      bcc: ["secret@example.org"],
      replyTo: ["reply@example.com", "Other <other@example.com>"],
      subject: "Grüße, “quoted” and 🎺",
      text: "Text ä\n.\n.dot at the start\nFrom here",
      html: '<p>HTML <img src="cid:logo"></p>',
      amp: "<html amp4email></html>",
      alternatives: [
        { content: "BEGIN:VCALENDAR\r\nSUMMARY:Tee für alle", contentType: "text/calendar; method=REQUEST" },
      ],
      headers: { "X-Own": "väl", "List-Unsubscribe": "<https://example.com/u>", "X-Number": 7 },
      envelopeSender: "bounces@mail.example.com",
      attachments: [
        { filename: "übung.pdf", content: new Uint8Array([0, 1, 2, 255]), contentType: "application/pdf" },
        { filename: "a.txt", content: new Blob(["blob"]).stream() },
        { filename: "logo.png", content: new Uint8Array([9]), contentType: "image/png", contentId: "logo" },
        { filename: "empty.bin", content: new Uint8Array(0) },
      ],
    });
    const { from, to, raw, parsed } = only();
    expect(from).toBe("bounces@mail.example.com");
    expect(to).toEqual(["grace@example.org", "b@example.org", "cc@example.org", "secret@example.org"]);
    expect(parsed.from?.text).toBe('"Ada Lovelace" <ada@example.com>');
    expect([parsed.to].flat().flatMap((list) => list?.value ?? [])).toEqual([
      { name: "Grace", address: "grace@example.org" },
      { name: 'Quote "Q" Ä', address: "b@example.org" },
    ]);
    expect(raw).not.toContain("secret@example.org");
    expect(parsed.replyTo?.value.map(({ address }) => address)).toEqual([
      "reply@example.com",
      "other@example.com",
    ]);
    expect(parsed.subject).toBe("Grüße, “quoted” and 🎺");
    expect(parsed.text?.trimEnd()).toBe("Text ä\n.\n.dot at the start\nFrom here");
    expect(parsed.html).toContain("<p>HTML");
    expect(headers(raw, "X-Own")).toEqual(["X-Own: =?UTF-8?Q?v=C3=A4l?="]);
    expect(parsed.headers.get("x-number")).toBe("7");
    expect(raw).toContain("text/x-amp-html");
    expect(raw).toMatch(/Content-Type: text\/calendar; method=REQUEST; charset=utf-8/i);
    const files = parsed.attachments.map(({ filename, content, cid }) => [filename, [...content], cid]);
    expect(files).toEqual(
      expect.arrayContaining([
        ["übung.pdf", [0, 1, 2, 255], undefined],
        ["a.txt", [...Buffer.from("blob")], undefined],
        ["logo.png", [9], "logo"],
        ["empty.bin", [], undefined],
      ]),
    );
    // Everything is ASCII, in lines that SMTP takes.
    expect(raw).not.toMatch(/[^\r\n -~\t]/);
    expect(Math.max(...raw.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(result).toMatchObject({ provider: "SMTP", status: "queued", messageId: "Q1" });
    expect(Object.keys(result.recipients)).toEqual([
      "grace@example.org",
      "b@example.org",
      "cc@example.org",
      "secret@example.org",
    ]);
    expect(result.attempts).toMatchObject([{ number: 1, status: 250, stopped: "success" }]);
  });

  it("has each header of its own once, and a Message-ID of the sender's domain", async () => {
    await create().send(message);
    for (const name of ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"])
      expect(headers(only().raw, name), name).toHaveLength(1);
    expect(only().parsed.messageId).toMatch(/^<[0-9a-f-]{36}@example\.com>$/);
  });

  it("keeps the caller's Message-ID and Date, once", async () => {
    const date = "Tue, 19 Jan 2038 03:14:07 +0000";
    await create().send({ ...message, headers: { "message-id": "<own@example.com>", Date: date } });
    const { raw } = only();
    expect(headers(raw, "Message-ID")).toEqual(["Message-ID: <own@example.com>"]);
    expect(headers(raw, "Date")).toEqual([`Date: ${date}`]);
  });

  it("names a Sender where there are several authors", async () => {
    await create().send({ ...message, from: "ada@example.com, also@example.com" });
    expect(headers(only().raw, "From")[0]).toContain("also@example.com");
    expect(headers(only().raw, "Sender")).toEqual(["Sender: ada@example.com"]);
  });

  it("encodes domains, and results keep the address as it was written", async () => {
    const result = await create().send({ ...message, to: ["Grace <grace@bücher.example>"] });
    expect(headers(only().raw, "To")).toEqual(["To: Grace <grace@xn--bcher-kva.example>"]);
    expect(Object.keys(result.recipients)).toEqual(["grace@bücher.example"]);
  });

  it("goes to each address once", async () => {
    await create().send({ ...message, to: ["a@example.org"], cc: ["a@EXAMPLE.org"], bcc: ["a@example.org"] });
    expect(only().to).toEqual(["a@example.org"]);
  });

  it("sends html alone, an empty html part never, and no body at all as an empty text", async () => {
    await create().send({ ...message, text: undefined, html: "<p>x</p>" });
    await create().send({ ...message, html: "" });
    await create().send({ ...message, text: undefined });
    const [first, second, third] = server.received;
    expect(headers(first?.raw ?? "", "Content-Type")[0]).toContain("text/html");
    expect(second?.raw).not.toContain("text/html");
    expect(third?.parsed.text?.trim() ?? "").toBe("");
  });

  it("gives each recipient of mergeHeaders a message, whose To holds nobody else", async () => {
    await create().send({
      ...message,
      to: ["a@example.org", "b@example.org"],
      headers: { "X-For": "all" },
      mergeHeaders: { "b@example.org": { "X-For": "b" } },
    });
    expect(server.received.map(({ to, parsed }) => [to, parsed.headers.get("x-for")])).toEqual([
      [["a@example.org"], "all"],
      [["b@example.org"], "b"],
    ]);
    expect(server.received[0]?.raw).not.toContain("b@example.org");
  });

  it("goes in several transactions beyond maxRecipients, with the same Message-ID", async () => {
    const to = Array.from({ length: 250 }, (_, index) => `r${index}@example.org`);
    const result = await create().send({ ...message, to });
    expect(server.received.map((received) => received.to.length)).toEqual([100, 100, 50]);
    expect(new Set(server.received.map(({ parsed }) => parsed.messageId)).size).toBe(1);
    expect(Object.keys(result.recipients)).toHaveLength(250);
  });

  it("refuses headers that the MIME structure sets", async () => {
    for (const name of ["Content-Type", "content-transfer-encoding", "MIME-Version"]) {
      const error = await failure<InvalidMessageError>(
        create().send({ ...message, headers: { [name]: "text/plain" } }),
      );
      expect(error).toBeInstanceOf(InvalidMessageError);
      expect(error.field).toBe(`headers.${name}`);
    }
    expect(server.received).toEqual([]);
  });

  it("refuses by name what SMTP has no place for, and leaves it out when told to", async () => {
    const fields = { tags: ["a"], metadata: { a: 1 }, trackOpens: true, sendAt: "2038-01-19T03:14:07Z" };
    for (const [field, value] of Object.entries(fields)) {
      const error = await failure<UnsupportedFeatureError>(
        create().send({ ...message, [field]: value } as never),
      );
      expect(error).toBeInstanceOf(UnsupportedFeatureError);
      expect(error.field).toBe(field);
    }
    const lenient = create({ unsupported: "drop" });
    expect(await lenient.unsupportedFields({ ...message, ...fields } as never)).toEqual(
      expect.arrayContaining(Object.keys(fields)),
    );
    await lenient.send({ ...message, ...fields } as never);
    expect(server.received).toHaveLength(1);
  });

  it("reads no files and no URLs that content names", async () => {
    await create()
      .send({
        ...message,
        text: { path: "/etc/passwd" } as never,
      })
      .catch((error: unknown) => expect(error).toBeInstanceOf(InvalidMessageError));
    await create().send({ ...message, html: '<img src="file:///etc/passwd">' });
    expect(only().raw).not.toContain("root:");
  });
});

describe("DKIM", () => {
  it("signs with RSA, so that the signature verifies", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    await create({ dkim: { domain: "example.com", selector: "s1", privateKey: pem } }).send(message);
    const { raw } = only();
    expect(raw.startsWith("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;")).toBe(true);
    const [signature = ""] = headers(raw, "DKIM-Signature");
    const tag = (name: string): string =>
      new RegExp(`[;:\\s]${name}=([^;]*)`).exec(signature)?.[1]?.replace(/\s/g, "") ?? "";
    const relaxed = (line: string): string => {
      const [name = "", ...rest] = line.split(":");
      return `${name.toLowerCase().trim()}:${rest.join(":").replace(/\s+/g, " ").trim()}`;
    };
    const signed = tag("h")
      .split(":")
      .flatMap((name) => headers(raw, name).map(relaxed));
    const own = relaxed(signature).replace(/\bb=.*$/, "b=");
    const verify = createVerify("RSA-SHA256").update(`${signed.join("\r\n")}\r\n${own}`, "latin1");
    expect(
      verify.verify(createPublicKey(publicKey.export({ type: "spki", format: "pem" })), tag("b"), "base64"),
    ).toBe(true);
    expect(signed.map((line) => line.split(":")[0])).toEqual(
      expect.arrayContaining(["from", "to", "subject", "date"]),
    );
  });
});

describe("TLS and authentication against smtp-server", () => {
  const user = { user: "ada", pass: "made-up-password" };
  const onAuth = (
    auth: { username?: string; password?: string; accessToken?: string },
    _session: unknown,
    callback: (error: Error | null, response?: { user: string }) => void,
  ): void => {
    const known = auth.password === user.pass || auth.accessToken === "made-up-token";
    callback(
      known ? null : new Error("Invalid username or password"),
      known ? { user: auth.username ?? "" } : undefined,
    );
  };

  it("upgrades by STARTTLS where required, and trusts the certificate that it is given alone", async () => {
    const secure = await startServer({ ...TLS, disabledCommands: [], onAuth, authOptional: false } as never);
    const options: SmtpOptions = {
      host: "127.0.0.1",
      port: secure.port,
      tls: "required",
      auth: user,
      retry: false,
    };
    expect(await failure(smtp(options).send(message))).toMatchObject({
      name: "TransportError",
      delivery: "not-sent",
      phase: "other",
      retryable: false,
    });
    await smtp({ ...options, tlsOptions: { ca: TLS.cert } }).send(message);
    expect(secure.received).toMatchObject([{ user: "ada", secure: true }]);
    await secure.close();
  });

  it("speaks TLS from the start", async () => {
    const secure = await startServer({ ...TLS, secure: true, onAuth, authOptional: false } as never);
    const url = `smtps://ada:made-up-password@127.0.0.1:${secure.port}`;
    await smtp({ url, tlsOptions: { ca: TLS.cert } }).send(message);
    expect(secure.received).toMatchObject([{ user: "ada", secure: true }]);
    await secure.close();
  });

  it("logs in by PLAIN, LOGIN and CRAM-MD5's refusal, and by OAuth2 with a token or a function", async () => {
    const plain = await startServer({
      onAuth,
      authMethods: ["PLAIN", "LOGIN", "XOAUTH2"],
      allowInsecureAuth: true,
    } as never);
    const at = { host: "127.0.0.1", port: plain.port };
    for (const method of ["PLAIN", "LOGIN"] as const)
      await smtp({ ...at, auth: { ...user, method } }).send(message);
    await smtp({ ...at, auth: { user: "ada", accessToken: "made-up-token" } }).send(message);
    await smtp({ ...at, auth: { user: "ada", accessToken: async () => "made-up-token" } }).send(message);
    expect(plain.received.map((received) => received.user)).toEqual(["ada", "ada", "ada", "ada"]);
    await plain.close();
  });

  it("verify() connects and logs in, and sends nothing", async () => {
    const plain = await startServer({ onAuth, allowInsecureAuth: true } as never);
    const at = { host: "127.0.0.1", port: plain.port };
    await smtp({ ...at, auth: user }).verify();
    const error = await failure(smtp({ ...at, auth: { ...user, pass: "made-up-wrong" } }).verify());
    expect(error).toMatchObject({ name: "ApiError", status: 535, delivery: "not-sent" });
    expect(error.message).toContain('check option "auth"');
    expect(error.message).not.toContain("made-up-wrong");
    await plain.close();
    expect(await failure(smtp({ ...at, auth: user }).verify())).toMatchObject({
      name: "TransportError",
      phase: "connect",
    });
  });
});
