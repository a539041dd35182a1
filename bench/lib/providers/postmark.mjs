import { FILENAME } from "../file.mjs";
import { FROM, MESSAGE, POSTHORN_MESSAGE, TO } from "../message.mjs";
import { posthorn } from "../posthorn.mjs";

const TOKEN = "00000000-0000-0000-0000-000000000000";
const MAIL = {
  From: FROM,
  To: TO,
  Subject: MESSAGE.subject,
  TextBody: MESSAGE.text,
  HtmlBody: MESSAGE.html,
};

export const sdk = "postmark";

export async function viaPosthorn(api, options) {
  const { postmark } = await posthorn("postmark");
  const mail = postmark({ serverToken: TOKEN, apiUrl: api, ...options });
  return () => mail.send(POSTHORN_MESSAGE);
}

export function request(api) {
  return {
    url: `${api}/email`,
    headers: { "x-postmark-server-token": TOKEN, "content-type": "application/json" },
    body: () => JSON.stringify(MAIL),
    isAccepted: (answer) => answer.ErrorCode === 0,
  };
}

/** Its options `requestHost` and `useHttps`. */
export async function viaSdk(api, { file } = {}) {
  const { ServerClient } = await import("postmark");
  const client = new ServerClient(TOKEN, { requestHost: api.replace("http://", ""), useHttps: false });
  const Attachments = file
    ? [{ Name: FILENAME, Content: file.toString("base64"), ContentType: "application/octet-stream" }]
    : undefined;
  return async () => {
    const answer = await client.sendEmail({ ...MAIL, Attachments });
    if (answer.ErrorCode !== 0) throw new Error("not accepted");
  };
}
