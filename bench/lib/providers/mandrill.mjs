import { FILENAME } from "../file.mjs";
import { MESSAGE, POSTHORN_MESSAGE } from "../message.mjs";
import { posthorn } from "../posthorn.mjs";

const KEY = "md-0000000000000000";
const MAIL = {
  from_email: MESSAGE.from.email,
  from_name: MESSAGE.from.name,
  to: [{ ...MESSAGE.to, type: "to" }],
  subject: MESSAGE.subject,
  text: MESSAGE.text,
  html: MESSAGE.html,
};

export const sdk = "@mailchimp/mailchimp_transactional";

export async function viaPosthorn(api, options) {
  const { mandrill } = await posthorn("mandrill");
  const mail = mandrill({ apiKey: KEY, apiUrl: `${api}/api/1.0`, ...options });
  return () => mail.send(POSTHORN_MESSAGE);
}

export function request(api) {
  return {
    url: `${api}/api/1.0/messages/send.json`,
    headers: { "content-type": "application/json" },
    body: () => JSON.stringify({ key: KEY, message: MAIL }),
    isAccepted: ([first]) => first.status === "sent",
  };
}

/** Its client has `basePath`. It gives errors back instead of throwing them. */
export async function viaSdk(api, { file } = {}) {
  const { default: mailchimp } = await import("@mailchimp/mailchimp_transactional");
  const client = mailchimp(KEY);
  client.basePath = `${api}/api/1.3`;
  const attachments = file
    ? [{ name: FILENAME, content: file.toString("base64"), type: "application/octet-stream" }]
    : undefined;
  return async () => {
    const answer = await client.messages.send({ message: { ...MAIL, attachments } });
    if (answer[0]?.status !== "sent") throw new Error("not accepted");
  };
}
