/** The files of a new provider package by path. */
export function providerFiles(name) {
  const words = name.split("-");
  const Pascal = words.map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  const camel = Pascal[0].toLowerCase() + Pascal.slice(1);
  const Title = words.map((word) => word[0].toUpperCase() + word.slice(1)).join(" ");
  const ENV = words.join("_").toUpperCase();
  return {
    "package.json": packageJson(name, Title),
    "tsconfig.json": json({
      extends: "../../tsconfig.base.json",
      compilerOptions: { types: ["node"] },
      include: ["src", "test"],
    }),
    "tsconfig.src.json": json({ extends: "../../tsconfig.base.json", include: ["src"] }),
    "tsup.config.ts": `import { definePackage } from "../../tsup.base.js";

export default definePackage({ index: "src/index.ts" });
`,
    "vitest.config.ts": `export { config as default } from "../../vitest.base.js";
`,
    "README.md": `# @posthorn/${name}

Send mail through ${Title}.

\`\`\`ts
import { ${camel} } from "@posthorn/${name}";

const mail = ${camel}({ apiKey: "…" }); // or ${ENV}_API_KEY in the environment
await mail.send({ from: "ada@example.com", to: ["grace@example.org"], subject: "Hello", text: "…" });
\`\`\`

## Options
\`apiKey\`, and those of every provider: see [@posthorn/core](../core/README.md).

## What it cannot do
See \`src/features.ts\`.
`,
    "src/index.ts": `import { ${Pascal}Backend, type ${Pascal}Options } from "./backend.js";

export { ${Pascal}Backend, type ${Pascal}Options } from "./backend.js";
export { type ${Pascal}Features, ${camel}Features } from "./features.js";

/**
 * Sends through ${Title}.
 *
 * @param options \`apiKey\`, or \`${ENV}_API_KEY\` in the environment
 * @throws ConfigurationError for a missing, unknown or malformed option
 */
export function ${camel}(options: ${Pascal}Options = {}): ${Pascal}Backend {
  return new ${Pascal}Backend(options);
}
`,
    "src/features.ts": `import type { Features } from "@posthorn/core";

/** What ${Title}'s API can do. Name the page of its documentation here. */
export const ${camel}Features = {
  cc: true,
  bcc: true,
  replyTo: "one",
  html: true,
  amp: false,
  alternatives: false,
  headers: false,
  attachments: false,
  inlineAttachments: false,
  envelopeSender: false,
  metadata: false,
  sendAt: false,
  tags: false,
  trackClicks: false,
  trackOpens: false,
  templateId: false,
  mergeData: false,
  mergeGlobalData: false,
  mergeHeaders: false,
  mergeMetadata: false,
  idempotencyKey: false,
  multipleFrom: false,
} as const satisfies Features;

/** Type of {@link ${camel}Features}. */
export type ${Pascal}Features = typeof ${camel}Features;
`,
    "src/payload.ts": `import { formatAddress, type JsonBody, type NormalizedMessage } from "@posthorn/core";

/** The request body that a message becomes. Name the page of the provider's documentation here. */
export function buildPayload(message: NormalizedMessage): Record<string, JsonBody> {
  return {
    from: formatAddress(message.from[0]),
    to: message.to.map(formatAddress),
    cc: message.cc.length > 0 ? message.cc.map(formatAddress) : undefined,
    bcc: message.bcc.length > 0 ? message.bcc.map(formatAddress) : undefined,
    reply_to: message.replyTo[0] && formatAddress(message.replyTo[0]),
    subject: message.subject,
    text: message.text,
    html: message.html,
    ...message.espExtra,
  };
}
`,
    "src/backend.ts": `import {
  type BackendOptions,
  type ErrorBody,
  HttpBackend,
  type NormalizedMessage,
  type ProviderAnswer,
  type ProviderRequest,
  type RecipientResults,
} from "@posthorn/core";
import { type ${Pascal}Features, ${camel}Features } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link ${Pascal}Backend}. */
export interface ${Pascal}Options extends BackendOptions<${Pascal}Features> {
  /** API key. Environment: \`${ENV}_API_KEY\`. */
  readonly apiKey?: string | undefined;
}

/** Sends through ${Title}. Subclass it to override \`createSession()\`. */
export class ${Pascal}Backend extends HttpBackend<${Pascal}Features, ${Pascal}Options> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: ${Pascal}Options = {}) {
    super(
      {
        name: "${Title}",
        envPrefix: "${ENV}",
        features: ${camel}Features,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://${name}.example/v1",
      },
      options,
    );
  }

  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    const recipients = [...message.to, ...message.cc, ...message.bcc];
    return [{ path: "send", body: { json: buildPayload(message) }, recipients }];
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: \`Bearer \${this.options.apiKey}\` };
  }

  protected override readAnswer(answer: ProviderAnswer): RecipientResults {
    const { id } = (answer.json() ?? {}) as { id?: unknown };
    if (typeof id !== "string") throw answer.error("answered without a message id", "accepted");
    return Object.fromEntries(
      answer.request.recipients.map(({ address }) => [address, { status: "queued", messageId: id }]),
    );
  }

  protected override readError(body: unknown): ErrorBody {
    const { message, code } = body as { message?: string; code?: string };
    return { message, code };
  }
}
`,
    "test/backend.test.ts": `import { startFaultServer } from "@posthorn/testing/servers";
import { expect, it } from "vitest";
import { ${camel} } from "../src/index.js";

it("sends", async () => {
  const server = await startFaultServer({ respond: () => ({ kind: "answer", body: '{"id":"1"}' }) });
  try {
    const backend = ${camel}({ apiKey: "made-up", apiUrl: server.url });
    const result = await backend.send({ from: "a@example.com", to: ["b@example.com"], subject: "S", text: "T" });
    expect(result.recipients).toEqual({ "b@example.com": { status: "queued", messageId: "1" } });
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({
      from: "a@example.com",
      to: ["b@example.com"],
      subject: "S",
      text: "T",
    });
  } finally {
    await server.close();
  }
});
`,
  };
}

function packageJson(name, title) {
  return json({
    name: `@posthorn/${name}`,
    version: "0.0.0",
    description: `Send mail through ${title}.`,
    license: "MIT",
    repository: {
      type: "git",
      url: "git+https://github.com/posthorn/posthorn.git",
      directory: `packages/${name}`,
    },
    type: "module",
    sideEffects: false,
    engines: { node: ">=20.19" },
    files: ["dist", "README.md", "CHANGELOG.md"],
    publishConfig: { access: "public" },
    exports: {
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
      "./package.json": "./package.json",
    },
    scripts: {
      build: "tsup",
      typecheck: "tsc --project tsconfig.src.json && tsc --project tsconfig.json",
      test: "vitest run",
      "check:package": "publint --strict && attw --pack . --profile esm-only",
    },
    dependencies: { "@posthorn/core": "0.0.0" },
    devDependencies: { "@posthorn/testing": "0.0.0" },
  });
}

function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}
