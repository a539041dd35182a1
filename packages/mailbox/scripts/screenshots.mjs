// Opens the page with sample messages and takes the pictures of apps/docs/mailbox.md.
// node scripts/screenshots.mjs [folder]
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { mailgun } from "../../mailgun/dist/index.js";
import { postmark } from "../../postmark/dist/index.js";
import { resend } from "../../resend/dist/index.js";
import { mailbox, resendEvents } from "../dist/index.js";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../../apps/docs/images", import.meta.url));
mkdirSync(folder, { recursive: true });

const mail = mailbox({
  file: false,
  providers: {
    resend: resend({ apiKey: "re_made_up" }),
    mailgun: mailgun({ apiKey: "made-up", senderDomain: "example.com" }),
    postmark: postmark({ serverToken: "made-up" }),
  },
  webhooks: {
    tracking: "http://localhost:3000/webhooks/resend",
    format: resendEvents({ signingKey: `whsec_${btoa("made-up")}` }),
    fetch: async () => new Response("ok"),
  },
});

const shell = (
  title,
  content,
  top = "",
) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>
body{margin:0;background:#f4f1ea;color:#26221c;font:16px/1.6 Inter,Helvetica,Arial,sans-serif}
.card{max-width:520px;margin:32px auto;padding:36px 40px;border-radius:16px;background:#fff}
h1{margin:0 0 12px;font-size:26px;line-height:1.25;letter-spacing:-.02em}
.button{display:inline-block;margin:16px 0;padding:13px 26px;border-radius:10px;background:#1f5f4a;color:#fff;text-decoration:none;font-weight:600}
.small{color:#6d665b;font-size:14px}.small a{color:inherit}
@media (prefers-color-scheme: dark){body{background:#121510;color:#ece8df}.card{background:#1d211b}.button{background:#7cc7a5;color:#10261c}.small{color:#a8a294}}
</style></head><body><div class="card">${top}<h1>${title}</h1>${content}</div></body></html>`;
const logo = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="44" height="44"><rect width="44" height="44" rx="12" fill="#1f5f4a"/><path d="M13 26c6-14 12-14 18-4" stroke="#fff" stroke-width="4" fill="none" stroke-linecap="round"/></svg>',
).toString("base64");

const from = "Harbour <hello@example.com>";
const samples = [
  {
    to: ["Katherine Johnson <katherine@example.org>"],
    subject: "Your invoice for October",
    tags: ["billing"],
    text: "Dear Katherine,\n\nyour invoice is attached. It is paid already.\n\nHarbour",
    attachments: [
      {
        filename: "invoice-2026-10.pdf",
        content: "%PDF-1.7 ".padEnd(48_213, "0"),
        contentType: "application/pdf",
      },
    ],
  },
  {
    to: ["Alan Turing <alan@example.org>"],
    cc: ["team@example.org"],
    subject: "New sign-in from Firefox on Linux",
    tags: ["security"],
    text: "A new device signed in to your account. Was that you?",
  },
  {
    to: ["Margaret Hamilton <margaret@example.org>"],
    subject: "Reset your password",
    tags: ["account"],
    text: "Somebody asked for a new password. If that was you: https://example.com/reset/8f2c",
    html: shell(
      "Reset your password",
      '<a class="button" href="http://localhost:3000/reset">Reset it</a><img src="logo.png">',
    ),
  },
  {
    to: ["grace@example.org", "barbara@example.org", "radia@example.org"],
    subject: "{{name}}, three things that you missed",
    tags: ["newsletter"],
    html: shell("Hello {{name}}", "<p>You are on the {{plan}} plan.</p>"),
    text: "Hello {{name}}",
    mergeData: {
      "grace@example.org": { name: "Grace", plan: "team" },
      "barbara@example.org": { name: "Barbara", plan: "solo" },
      "radia@example.org": { name: "Radia", plan: "team" },
    },
  },
  {
    to: ["Grace Hopper <grace@example.org>"],
    subject: "Welcome aboard, Grace",
    tags: ["welcome"],
    metadata: { userId: 42 },
    trackOpens: true,
    text: "Welcome aboard, Grace. Your workspace is ready: invite your team, or look around first.",
    html: shell(
      "Welcome aboard, Grace",
      '<p>Your workspace is ready. Invite your team, or look around first: nothing here can break.</p><a class="button" href="https://example.com/start">Open your workspace</a><p class="small">The link works for seven days. You get this message because you signed up at <a href="https://example.com">example.com</a>.</p>',
      '<img src="cid:logo" alt="Harbour" width="44" height="44" style="display:block;margin:0 0 20px">',
    ),
    attachments: [
      {
        filename: "logo.svg",
        content: logo,
        encoding: "base64",
        contentType: "image/svg+xml",
        contentId: "logo",
      },
      {
        filename: "first-steps.pdf",
        content: "%PDF-1.7 ".padEnd(121_004, "0"),
        contentType: "application/pdf",
      },
    ],
  },
];
for (const sample of samples) await mail.send({ from, ...sample });
const { url } = await mail.listen({ port: 0 });
const messages = await mail.listMessages();
const idOf = (subject) => messages.find(({ message }) => message.subject.includes(subject)).id;

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const shots = [
  ["mailbox-light", "light", [1280, 800], `#/${idOf("Welcome")}`],
  ["mailbox-dark", "dark", [1280, 800], `#/${idOf("Welcome")}`],
  ["mailbox-phone", "light", [390, 780], `#/${idOf("Welcome")}`],
  ["mailbox-checks", "light", [1280, 800], `#/${idOf("Reset")}/checks`],
];
const only = process.argv[3];
for (const [name, colorScheme, [width, height], hash] of shots) {
  if (only && !name.includes(only)) continue;
  const page = await browser.newPage({ colorScheme, viewport: { width, height } });
  page.on("console", (message) => message.type() === "error" && console.error(name, message.text()));
  page.on("pageerror", (error) => console.error(name, error.message));
  await page.goto(`${url}${hash}`);
  if (hash.split("/").length > 2) await page.getByRole("tabpanel").getByText("border-radius").waitFor();
  else await page.frameLocator("iframe").getByRole("heading").waitFor();
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.close();
}
await browser.close();
await mail.close();
