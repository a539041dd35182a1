import { RECIPIENT } from "./message.mjs";

const json = (body, status = 200) => ({ status, body: JSON.stringify(body) });

/** How each provider says yes to the message of the benchmarks. */
export const ANSWERS = {
  "amazon-ses": json({ MessageId: "010201868000-a1b2c3d4-0000" }),
  brevo: json({ messageId: "<202611241200.1@smtp-relay.example.com>" }, 201),
  mailersend: { status: 202, headers: { "x-message-id": "5e42957d51f1d94a1070a733" } },
  mailgun: json({ id: "<20261124120000.1.A1B2@example.com>", message: "Queued. Thank you." }),
  mailjet: json({
    Messages: [
      { Status: "success", To: [{ Email: RECIPIENT, MessageID: 1, MessageUUID: "u" }], Cc: [], Bcc: [] },
    ],
  }),
  mailtrap: json({ success: true, message_ids: ["0c7fd939-02cf-11ed-88c2-0a58a9feac02"] }),
  mandrill: json([{ email: RECIPIENT, status: "sent", _id: "8db52a4ed9f14f46ae0b1c4b0d1d4b2c" }]),
  postal: json({ status: "success", data: { messages: { [RECIPIENT]: { id: 1, token: "t" } } } }),
  postmark: json({
    ErrorCode: 0,
    Message: "OK",
    To: RECIPIENT,
    SubmittedAt: "2026-11-24T12:00:00Z",
    MessageID: "0a129aee-e1cd-480d-b08d-4f48548ff48d",
  }),
  resend: json({ id: "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" }),
  scaleway: json({ emails: [{ id: "s1", mail_rcpt: RECIPIENT, status: "new" }] }),
  sendgrid: { status: 202, headers: { "x-message-id": "14c5d75ce93.dfd.64b469" } },
  sparkpost: json({
    results: { id: "11668787484950529", total_accepted_recipients: 1, total_rejected_recipients: 0 },
  }),
  "unisender-go": json({ status: "success", job_id: "1ZymBc-00041N-9X", emails: [RECIPIENT] }),
};
