import { FILENAME } from "../file.mjs";
import { FROM, MESSAGE, POSTHORN_MESSAGE, TO } from "../message.mjs";
import { posthorn } from "../posthorn.mjs";

const KEY = "key-0000000000000000";
const FIELDS = { from: FROM, to: TO, subject: MESSAGE.subject, text: MESSAGE.text, html: MESSAGE.html };

export const sdk = "mailgun.js";

export async function viaPosthorn(api, options) {
  const { mailgun } = await posthorn("mailgun");
  const mail = mailgun({ apiKey: KEY, apiUrl: `${api}/v3`, senderDomain: "example.com", ...options });
  return () => mail.send(POSTHORN_MESSAGE);
}

export function request(api) {
  return {
    url: `${api}/v3/example.com/messages`,
    headers: {
      authorization: `Basic ${btoa(`api:${KEY}`)}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: () => new URLSearchParams(FIELDS).toString(),
    isAccepted: (answer) => typeof answer.id === "string",
  };
}

/** Its option `url` is the base URL. */
export async function viaSdk(api, { file } = {}) {
  const { default: Mailgun } = await import("mailgun.js");
  const client = new Mailgun(FormData).client({ username: "api", key: KEY, url: api });
  const attachment = file ? { attachment: [{ filename: FILENAME, data: file }] } : {};
  return async () => {
    const answer = await client.messages.create("example.com", { ...FIELDS, to: [TO], ...attachment });
    if (typeof answer.id !== "string") throw new Error("not accepted");
  };
}
