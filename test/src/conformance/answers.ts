import type { Body } from "@posthorn/testing/conformance";
import type { Answer } from "@posthorn/testing/servers";

const json = (body: unknown, status = 200): Answer => ({ status, body: JSON.stringify(body) });
const field = (body: Body, name: string): unknown => (body as Record<string, unknown> | undefined)?.[name];
const list = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? (value as Record<string, unknown>[]) : [];

/** How each provider says yes to a request. */
export const YES: Readonly<Record<string, (body: Body) => Answer>> = {
  "amazon-ses": (body) => {
    const entries = list(field(body, "BulkEmailEntries"));
    if (entries.length === 0) return json({ MessageId: "m1" });
    return json({
      BulkEmailEntryResults: entries.map((_, index) => ({ Status: "SUCCESS", MessageId: `b${index}` })),
    });
  },
  brevo: (body) => {
    const versions = list(field(body, "messageVersions"));
    return versions.length > 0
      ? json({ messageIds: versions.map((_, index) => `<${index}@x>`) }, 201)
      : json({ messageId: "<1@x>" }, 201);
  },
  mailersend: (body) =>
    Array.isArray(body)
      ? json({ bulk_email_id: "b1" }, 202)
      : { status: 202, headers: { "x-message-id": "m1" }, body: "" },
  mailgun: () => json({ id: "<1@x>", message: "Queued. Thank you." }),
  mailjet: (body) =>
    json({
      Messages: list(field(body, "Messages")).map((message) => {
        const named = (kind: string): unknown =>
          list(message[kind]).map(({ Email }) => ({ Email, MessageID: 70650219165027410 }));
        return { Status: "success", To: named("To"), Cc: named("Cc"), Bcc: named("Bcc") };
      }),
    }),
  mailtrap: (body) => {
    const ids = (mail: Body): string[] =>
      ["to", "cc", "bcc"].flatMap((kind) => list(field(mail, kind)).map((_, index) => `${kind}${index}`));
    const requests = list(field(body, "requests"));
    if (requests.length === 0) return json({ success: true, message_ids: ids(body) });
    return json({
      success: true,
      responses: requests.map((request) => ({ success: true, message_ids: ids(request) })),
    });
  },
  mandrill: (body) =>
    json(
      list(field(field(body, "message") as Body, "to")).map(({ email }) => ({
        email,
        status: "sent",
        _id: "1",
      })),
    ),
  postal: (body) => {
    const kinds = ["to", "cc", "bcc", "rcpt_to"];
    const all = kinds.flatMap((kind) => list(field(body, kind)) as unknown as string[]);
    const bare = all.map((address) => /<([^>]*)>$/.exec(address)?.[1] ?? address);
    return json({
      status: "success",
      data: { messages: Object.fromEntries(bare.map((address, id) => [address, { id }])) },
    });
  },
  postmark: (body) => {
    const mail = (one: Record<string, unknown>): unknown => ({
      ErrorCode: 0,
      Message: "OK",
      To: one["To"],
      MessageID: "1",
    });
    const batch = Array.isArray(body) ? list(body) : list(field(body, "Messages"));
    return batch.length > 0 ? json(batch.map(mail)) : json(mail((body ?? {}) as Record<string, unknown>));
  },
  resend: (body) =>
    Array.isArray(body) ? json({ data: body.map((_, index) => ({ id: `r${index}` })) }) : json({ id: "r1" }),
  scaleway: (body) =>
    json({
      emails: ["to", "cc", "bcc"]
        .flatMap((kind) => list(field(body, kind)))
        .map(({ email }, index) => ({ id: `s${index}`, mail_rcpt: email, status: "new" })),
    }),
  sendgrid: () => ({ status: 202, body: "" }),
  sparkpost: (body) =>
    json({
      results: {
        id: "1",
        total_accepted_recipients: list(field(body, "recipients")).length,
        total_rejected_recipients: 0,
      },
    }),
  "unisender-go": (body) => {
    const recipients = list(field(field(body, "message") as Body, "recipients"));
    return json({ status: "success", job_id: "j1", emails: recipients.map(({ email }) => email) });
  },
};
