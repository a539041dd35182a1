import { ConfigurationError } from "@posthorn/core";
import type { InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent, WebhookHandler } from "@posthorn/core/webhooks";
import { describe, expect, it } from "vitest";
import { exceptionFor } from "./exceptions.js";
import {
  bodyOf,
  comparableInbound,
  comparableTracking,
  expected,
  headersOf,
  optionsOf,
  type WebhookVector,
  webhookVectors,
  without,
} from "./webhook-vector.js";
import { WEBHOOKS } from "./webhooks.js";

/** When the post was signed, where it says so: the replay window is about another thing than these vectors. */
function signedAt(vector: WebhookVector): number {
  const body = Buffer.from(bodyOf(vector)).toString("latin1");
  const inJson = /"signature": ?\{[^}]*"timestamp": ?"(\d+)"/.exec(body)?.[1];
  const inForm = [...body.matchAll(/name="timestamp"\r\n\r\n(\d+)/g)].at(-1)?.[1];
  const inHeader = headersOf(vector)["svix-timestamp"];
  return Number(inJson ?? inForm ?? inHeader ?? 0) * 1000;
}

/** The mail that the recording's fake S3 had; only what it means is in the vector. */
const MAIL_IN_S3 = [
  "Return-Path: <bounce-handler@mail.example.org>",
  "Received: from mail.example.org by inbound-smtp.us-east-1.amazonaws.com...",
  "MIME-Version: 1.0",
  "Received: by 10.1.1.1 with HTTP; Fri, 30 Mar 2018 10:21:49 -0700 (PDT)",
  'From: "Sender, Inc." <from@example.org>',
  "Date: Fri, 30 Mar 2018 10:21:50 -0700",
  "Message-ID: <CAEPk3RKsi@mail.example.org>",
  "Subject: Test inbound message",
  "To: Recipient <inbound@example.com>, someone-else@example.org",
  'Content-Type: multipart/alternative; boundary="94eb2c05e174adb140055b6339c5"',
  "",
  "--94eb2c05e174adb140055b6339c5",
  'Content-Type: text/plain; charset="UTF-8"',
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "It's a body=E2=80=A6",
  "",
  "--94eb2c05e174adb140055b6339c5",
  'Content-Type: text/html; charset="UTF-8"',
  "Content-Transfer-Encoding: quoted-printable",
  "",
  '<div dir=3D"ltr">It\'s a body=E2=80=A6</div>',
  "",
  "--94eb2c05e174adb140055b6339c5--",
  "",
].join("\n");

/** Options that a provider needs beside those of the vector, for what its mail is fetched by. */
const MORE_OPTIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "amazon-ses inbound": {
    accessKeyId: "AKIAEXAMPLE",
    secretAccessKey: "made-up",
    fetch: async () => new Response(MAIL_IN_S3),
  },
  // The recording's fake API knew no more of the mail than the post.
  "resend inbound": { fetch: async () => Response.json({ object: "email" }) },
};

for (const [provider, { trackingWebhook, inboundWebhook }] of Object.entries(WEBHOOKS)) {
  describe(`webhook vectors of ${provider}`, () => {
    webhookVectors(provider).forEach((vector, at) => {
      const exception = exceptionFor("webhook", provider, vector.id);
      const name = `${vector.id} #${at}`;
      if (exception && !exception.ignore) {
        it.skip(`${name}: ${exception.reason}`, () => {});
        return;
      }
      it(name, async () => {
        // Mandrill posts both kinds to one address.
        const kind =
          vector.request.path.includes("inbound") ||
          vector.id.includes("inbound.") ||
          /\.\w*Inbound\w*\./.test(vector.id)
            ? "inbound"
            : "tracking";
        const tracked: TrackingEvent[] = [];
        const received: InboundEvent[] = [];
        const errors: unknown[] = [];
        const own = optionsOf(vector.settings, kind);
        if (kind === "tracking" && provider !== "unisender-go") delete own["apiKey"];
        const hasSecret = Object.keys(own).some(
          (name) => /^basicAuth$|key$/i.test(name) && name !== "apiKey",
        );
        const options = {
          ...(kind === "inbound" ? MORE_OPTIONS[`${provider} inbound`] : {}),
          ...own,
          ...(hasSecret || vector.error ? {} : { insecure: true }),
          onError: (error: unknown) => errors.push(error),
          clock: { now: () => signedAt(vector) },
        };
        let handler: WebhookHandler;
        try {
          handler =
            kind === "inbound" && inboundWebhook
              ? inboundWebhook({ ...options, onEvent: (event) => void received.push(event) })
              : trackingWebhook({ ...options, onEvent: (event) => void tracked.push(event) });
        } catch (error) {
          // A webhook that the peer refuses at the first post is refused when it is made.
          expect(vector.error?.type).toBe("AnymailConfigurationError");
          expect(error).toBeInstanceOf(ConfigurationError);
          return;
        }
        const { method, path, query } = vector.request;
        const response = await handler(
          new Request(`http://testserver${path}${query ? `?${query}` : ""}`, {
            method,
            headers: headersOf(vector),
            ...(method === "POST" ? { body: bodyOf(vector) } : {}),
          }),
        );
        if (vector.error) {
          expect(vector.error.type).toBe("AnymailConfigurationError");
          expect(errors[0]).toBeInstanceOf(ConfigurationError);
          // Brevo posts again after 429 alone. https://developers.brevo.com/docs/retry-mechanism
          expect(response.status).toBe(provider === "brevo" ? 429 : 500);
          return;
        }
        expect([response.status, errors[0]]).toEqual([
          vector.response?.status,
          response.ok ? errors[0] : expect.anything(),
        ]);
        const wanted = (vector.events ?? []).map(expected);
        const got =
          kind === "inbound"
            ? await Promise.all(received.map(comparableInbound))
            : tracked.map(comparableTracking);
        const ignored = exception?.ignore ?? [];
        expect(got.map((event) => without(event, ignored))).toEqual(
          wanted.map((event) => without(event, ignored)),
        );
      });
    });
  });
}
