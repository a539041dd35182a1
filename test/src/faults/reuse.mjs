// Runs on each runtime: two mails over what would be one kept-alive connection, the second after a pause.
import { mandrill } from "@posthorn/mandrill";

const [, , apiUrl, mode] = process.argv;
const mail = { from: "a@example.com", to: ["b@example.org"], subject: "1", text: "T" };
const backend = mandrill({ apiKey: "made-up", apiUrl });
const outcomes = [];
for (const subject of ["first", "second"]) {
  try {
    if (mode === "fetch") {
      const answer = await fetch(`${apiUrl}/messages/send.json`, { method: "POST", body: subject });
      await answer.text();
      outcomes.push("accepted");
    } else {
      await backend.send({ ...mail, subject });
      outcomes.push("accepted");
    }
  } catch (error) {
    outcomes.push(error.delivery ?? "error");
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
}
backend.close();
console.log(JSON.stringify(outcomes));
