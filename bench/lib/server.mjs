// A stand-in for every provider, in a process of its own: `node lib/server.mjs` prints its port. It takes whatever is
// posted, and says yes as the provider that the first part of the path names does.
import { createServer } from "node:http";
import { ANSWERS } from "./answers.mjs";

const answers = new Map(
  Object.entries(ANSWERS).map(([name, { status = 200, body = "", headers = {} }]) => [
    name,
    {
      status,
      body,
      headers: {
        "content-length": Buffer.byteLength(body),
        ...(body === "" ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    },
  ]),
);

const server = createServer((request, response) => {
  const answer = answers.get(request.url.split("/", 2)[1]);
  request.resume();
  request.on("end", () => {
    if (!answer) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });
});
// Subjects take turns, and none is to find its connections closed when its turn comes.
server.keepAliveTimeout = 600_000;
server.headersTimeout = 610_000;
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.on("disconnect", () => process.exit());
process.stdin.on("end", () => process.exit()).resume();
