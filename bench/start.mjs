import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/lib/bundle.mjs";
import { installSize } from "./lib/install-size.mjs";
import { startServer } from "./lib/processes.mjs";
import { takeTurns } from "./lib/rounds.mjs";
import { RUNTIMES } from "./lib/runtimes.mjs";
import { showSpread } from "./lib/stats.mjs";
import { KINDS, PROVIDERS } from "./lib/subjects.mjs";
import { table } from "./lib/table.mjs";

export const title = "Start, install and bundle";

const FILE = fileURLToPath(new URL("lib/send-once.mjs", import.meta.url));
const require = createRequire(import.meta.url);
const VERSIONS = require("./package.json").dependencies;
/** Of what is compared, what sends again by itself after a failure. */
const RETRIES = new Set(["ofetch", "@aws-sdk/client-sesv2"]);

/** Time from starting a process to its first mail accepted; size of installing and of bundling. */
export async function run({ quick }) {
  const rounds = quick ? 3 : 15;
  const server = await startServer();
  const starts = [];
  try {
    for (const runtime of RUNTIMES) {
      // On Node every provider, on the others the one whose SDK runs on all.
      for (const provider of runtime.name === "Node" && !quick ? PROVIDERS : ["resend"]) {
        const subjects = await takeTurns(
          KINDS.map((kind) => ({ name: kind, measure: () => start(runtime, provider, kind, server.url) })),
          rounds,
        );
        starts.push({ runtime: `${runtime.name} ${runtime.version}`, provider, subjects });
      }
    }
  } finally {
    server.stop();
  }
  return { rounds, starts, sizes: await sizes() };
}

async function start({ command, args }, provider, kind, url) {
  const began = performance.now();
  const child = spawn(command, [...args, FILE, provider, kind, `${url}/${provider}`], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
  });
  let said = "";
  let ms;
  child.stdout.on("data", (chunk) => {
    said += chunk;
    if (said.includes("sent")) ms ??= performance.now() - began;
  });
  await once(child, "close");
  if (ms === undefined) throw new Error(`${command}: ${provider} by ${kind} was not sent`);
  return { ms };
}

async function sizes() {
  const rows = [];
  for (const provider of PROVIDERS) {
    const factory = provider.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    const { sdk } = await import(`./lib/providers/${provider}.mjs`);
    const name = `@posthorn/${provider}`;
    rows.push({
      name,
      retries: true,
      ...installSize(name),
      ...(await bundled(
        `import { ${factory} } from "${name}"; console.log(await ${factory}().send({ from: "a@example.com", to: ["b@example.com"], text: "" }));`,
        "../test",
      )),
    });
    rows.push({
      name: sdk,
      retries: RETRIES.has(sdk),
      ...installSize(sdk),
      ...(await bundled(PROGRAMS[sdk], ".")),
    });
  }
  rows.push({
    name: "ofetch",
    retries: true,
    ...installSize("ofetch"),
    ...(await bundled(
      `import { ofetch } from "ofetch"; console.log(await ofetch("https://api.example.com/"));`,
      ".",
    )),
  });
  return rows;
}

/** One mail sent by each SDK, as its documentation shows it. */
const PROGRAMS = {
  "mailgun.js": `import Mailgun from "mailgun.js";
    console.log(await new Mailgun(FormData).client({ username: "api", key: "" }).messages.create("", {}));`,
  resend: `import { Resend } from "resend"; console.log(await new Resend("").emails.send({}));`,
  "@sendgrid/mail": `import mail from "@sendgrid/mail"; mail.setApiKey(""); console.log(await mail.send({}));`,
  postmark: `import { ServerClient } from "postmark"; console.log(await new ServerClient("").sendEmail({}));`,
  "@aws-sdk/client-sesv2": `import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
    console.log(await new SESv2Client({}).send(new SendEmailCommand({})));`,
  "@mailchimp/mailchimp_transactional": `import mailchimp from "@mailchimp/mailchimp_transactional";
    console.log(await mailchimp("").messages.send({}));`,
};

/** For the browser or the edge where that can be bundled, otherwise for Node. */
async function bundled(program, folder) {
  const resolveDir = fileURLToPath(new URL(`${folder}/`, import.meta.url));
  for (const platform of ["browser", "node"]) {
    try {
      const { gzipped } = await bundle(program, resolveDir, { platform });
      return { bundle: gzipped, platform };
    } catch (error) {
      if (platform === "node") return { bundle: undefined, platform: String(error.message).split("\n")[0] };
    }
  }
}

export function show({ starts, sizes: rows }) {
  const ms = ({ ms: value }) => `${value.median.toFixed(0)} ms`;
  const kb = (bytes) => (bytes === undefined ? "" : (bytes / 1024).toFixed(1));
  return [
    "From the start of the process to the first mail accepted:",
    table([
      ["runtime", "provider", "Posthorn", "fetch", "ofetch", "SDK", "to fetch", "to SDK"],
      ...starts.map(({ runtime, provider, subjects: { posthorn, fetch, ofetch, sdk } }) => [
        runtime,
        provider,
        ...[posthorn, fetch, ofetch, sdk].map(ms),
        ...[fetch, sdk].map((peer) => showSpread(peer.ms.ratio)),
      ]),
    ]),
    "Installed with all dependencies; bundled with esbuild, minified and gzipped, in KB of 1,024 bytes:",
    table([
      ["package", "version", "retries", "install KB", "files", "packages", "bundle KB", "for"],
      ...rows.map((row) => [
        row.name,
        VERSIONS[row.name] ?? "",
        row.retries ? "yes" : "no",
        kb(row.bytes),
        row.files,
        row.packages,
        kb(row.bundle),
        row.platform,
      ]),
    ]),
  ].join("\n\n");
}

export function misses({ starts, sizes: rows }) {
  const slow = starts.flatMap(({ runtime, provider, subjects: { fetch } }) =>
    fetch.ms.ratio.median > 1.15
      ? [`${runtime}, ${provider}: starts in ${fetch.ms.ratio.median} of the time of bare fetch, 1.15 wanted`]
      : [],
  );
  const own = rows.filter(({ name }) => name.startsWith("@posthorn/"));
  const mailPeers = rows.filter(
    ({ name, retries }) => retries && !own.some((row) => row.name === name) && name !== "ofetch",
  );
  const large = own.flatMap(({ name, bytes }) =>
    mailPeers
      .filter((peer) => peer.bytes < bytes)
      .map((peer) => `${name} is larger to install than ${peer.name}`),
  );
  return [...slow, ...large];
}

/** From the start of the process to the first mail. */
export function chart({ starts }) {
  return {
    title: "From start to the first mail",
    series: ["Posthorn", "bare fetch", "bare ofetch", "own SDK"],
    unit: "ms",
    groups: starts.map(({ runtime, provider, subjects }) => ({
      name: `${runtime.split(" ")[0]}, ${provider}`,
      values: KINDS.map((kind) => subjects[kind].ms.median),
    })),
  };
}
