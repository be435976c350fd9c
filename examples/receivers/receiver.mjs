// Prints what it is told, if it is truly from us: WEBHOOK_SECRET=whsec_… node receiver.mjs 9000

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.slice("whsec_".length), "base64");
const seen = new Set();

function isOurs(headers, body) {
  const [id, time] = [headers["webhook-id"], headers["webhook-timestamp"]];
  const isFresh = Math.abs(Date.now() / 1000 - Number(time)) <= 300;
  const digest = createHmac("sha256", key).update(`${id}.${time}.`).update(body).digest();
  const given = (headers["webhook-signature"] ?? "").split(" ").filter((it) => it.startsWith("v1,"));
  const matches = (one) => one.length === digest.length && timingSafeEqual(one, digest);
  return isFresh && given.some((it) => matches(Buffer.from(it.slice(3), "base64")));
}

async function answer(request) {
  const body = Buffer.concat(await request.toArray());
  if (!isOurs(request.headers, body)) return 401;
  const told = JSON.parse(body);
  if (!seen.has(request.headers["webhook-id"])) console.log(told.type, told.data.id);
  seen.add(request.headers["webhook-id"]); // the same message may come more than once
  return 204;
}

createServer({ requestTimeout: 10_000, connectionsCheckingInterval: 1_000 }, (request, response) =>
  answer(request).catch(() => 400).then((status) => response.writeHead(status).end()),
).listen(Number(process.argv[2]), "127.0.0.1");
