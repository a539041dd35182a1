import NodemailerProvider from "@auth/core/providers/nodemailer";
import { TransportError } from "@posthorn/core";
import { PosthornTransportError, posthornTransport } from "@posthorn/nodemailer";
import { memory } from "@posthorn/testing";
import strapi from "@strapi/provider-email-nodemailer";
import { describe, expect, it } from "vitest";

describe("apps that are made for Nodemailer, with a transport of ours", () => {
  it("Auth.js sends its sign-in message, and hears of a failure", async () => {
    const backend = memory();
    const provider = NodemailerProvider({
      // Auth.js hands it to createTransport as it is.
      server: posthornTransport(backend) as never,
      from: "Auth.js <no-reply@example.com>",
    });
    const request = {
      identifier: "grace@example.org",
      url: "https://app.example.com/callback?token=made-up",
      expires: new Date(0),
      token: "made-up",
      theme: {},
      request: new Request("https://app.example.com/"),
      provider: { ...provider, ...provider.options },
    } as unknown as Parameters<typeof provider.sendVerificationRequest>[0];
    await provider.sendVerificationRequest(request);
    expect(backend.outbox[0]?.normalized).toMatchObject({
      from: [{ name: "Auth.js", email: "no-reply@example.com" }],
      to: [{ email: "grace@example.org" }],
      subject: "Sign in to app.example.com",
      text: expect.stringContaining("https://app.example.com/callback?token=made-up"),
      html: expect.stringContaining("app"),
    });
    backend.failNext(new TransportError("no answer", { phase: "read", delivery: "unknown" }));
    const error: unknown = await Promise.resolve(provider.sendVerificationRequest(request)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PosthornTransportError);
    expect(error).toMatchObject({ code: "ESOCKET", delivery: "unknown" });
  });

  it("Strapi's provider sends with its defaults, and verifies", async () => {
    const backend = memory();
    const provider = strapi.init(
      posthornTransport(backend) as never,
      {
        defaultFrom: "Strapi <no-reply@example.com>",
        defaultReplyTo: "reply@example.com",
      } as never,
    );
    await provider.send({
      to: "grace@example.org",
      subject: "Subject",
      html: "<p>HTML</p>",
      attachments: [{ filename: "a.txt", content: "attached" }],
    } as never);
    expect(backend.outbox[0]?.normalized).toMatchObject({
      from: [{ email: "no-reply@example.com" }],
      replyTo: [{ email: "reply@example.com" }],
      html: "<p>HTML</p>",
      attachments: [{ filename: "a.txt" }],
    });
    expect(await (provider as { verify(): Promise<unknown> }).verify()).toBe(true);
  });
});
