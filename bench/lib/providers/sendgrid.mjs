import { FILENAME } from "../file.mjs";
import { MESSAGE, POSTHORN_MESSAGE } from "../message.mjs";
import { posthorn } from "../posthorn.mjs";

const KEY = "SG.0000000000000000";
const MAIL = {
  personalizations: [{ to: [MESSAGE.to] }],
  from: MESSAGE.from,
  subject: MESSAGE.subject,
  content: [
    { type: "text/plain", value: MESSAGE.text },
    { type: "text/html", value: MESSAGE.html },
  ],
};

export const sdk = "@sendgrid/mail";

export async function viaPosthorn(api, options) {
  const { sendgrid } = await posthorn("sendgrid");
  const mail = sendgrid({ apiKey: KEY, apiUrl: `${api}/v3`, ...options });
  return () => mail.send(POSTHORN_MESSAGE);
}

export function request(api) {
  return {
    url: `${api}/v3/mail/send`,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: () => JSON.stringify(MAIL),
    // It answers 202 without a body.
    isEmpty: true,
  };
}

/** Its client takes the base URL by `setDefaultRequest`. */
export async function viaSdk(api, { file } = {}) {
  const { default: mail } = await import("@sendgrid/mail");
  mail.setApiKey(KEY);
  mail.client.setDefaultRequest("baseUrl", api);
  const { from, to, subject, text, html } = MESSAGE;
  const attachments = file ? [{ filename: FILENAME, content: file.toString("base64") }] : undefined;
  return async () => {
    const [answer] = await mail.send({ from, to, subject, text, html, attachments });
    if (answer.statusCode !== 202) throw new Error("not accepted");
  };
}
