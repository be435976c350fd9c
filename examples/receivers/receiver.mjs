// Print verified webhooks: WEBHOOK_SECRET=whsec_… node receiver.mjs 9000

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.slice("whsec_".length), "base64");
const seen = new Set();

function isVerified(headers, body) {
  const [id, time] = [headers["webhook-id"], headers["webhook-timestamp"]];
  const isFresh = Math.abs(Date.now() / 1000 - Number(time)) <= 300;
  const digest = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest();
  const signatures = (headers["webhook-signature"] ?? "").split(" ").filter((s) => s.startsWith("v1,"));
  const matches = (bytes) => bytes.length === digest.length && timingSafeEqual(bytes, digest);
  return isFresh && signatures.some((s) => matches(Buffer.from(s.slice(3), "base64")));
}

async function answer(request) {
  const body = Buffer.concat(await request.toArray());
  if (!isVerified(request.headers, body)) return 401;
  const event = JSON.parse(body);
  if (!seen.has(request.headers["webhook-id"])) console.log(event.type, event.data.id);
  seen.add(request.headers["webhook-id"]); // delivery is at least once
  return 204;
}

createServer({ requestTimeout: 10_000, connectionsCheckingInterval: 1_000 }, (request, response) =>
  answer(request).catch(() => 400).then((status) => response.writeHead(status).end()),
).listen(Number(process.argv[2]), "127.0.0.1");
